#!/usr/bin/env python3
"""Differential test of the LANai core: random C++ programs, compiled by clang for the LANai at several
levels of optimization and executed by the core, give what the same programs give on this machine.

    core_fuzz_test.py CLANG LANAI_RUN SOURCE_ROOT [--seed N] [--programs N]

The programs have no undefined behaviour: arithmetic is unsigned or done as such, shifts and indices
are masked, divisors are not 0, every loop counts. What a program computes is hashed as it goes on. One
compiler for both, because the order in which operands are evaluated is the compiler's choice.
"""
import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os", "-Oz")
TYPES = {"u8": 8, "i8": 8, "u16": 16, "i16": 16, "u32": 32, "i32": 32, "u64": 64}
HEAD = """
typedef unsigned char u8; typedef signed char i8; typedef unsigned short u16; typedef short i16;
typedef unsigned int u32; typedef int i32; typedef unsigned long long u64;
static u32 hash_ = 2166136261u;
static void mix(u32 v) { hash_ = ((hash_ ^ v) << 5) + (hash_ >> 3) + v + 0x9e3779b9u; }
static u32 sar(u32 v, u32 n) { return (u32)((i32)v >> (n & 31)); }
"""
TAIL = """
#ifdef __lanai__
extern "C" [[gnu::section(".start")]] void _start() {
    *(volatile u32*)0xffffffecu = program();
    for (;;);
}
#else
int printf(const char*, ...);
int main() { __builtin_printf("%08x\\n", program()); }
#endif
"""


class Program:
    """A random program; text() is its source."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.arrays, self.functions, self.parts = {}, [], []
        self.loops = 0
        for i in range(self.random.randint(2, 5)):
            kind = self.random.choice(list(TYPES))
            length = 1 << self.random.randint(2, 6)
            self.arrays[f"a{i}"] = (kind, length)
            values = ", ".join(self.literal(kind) for _ in range(length))
            self.parts.append(f"static {kind} a{i}[{length}] = {{{values}}};")
        for i in range(self.random.randint(1, 5)):
            self.function(f"f{i}")
        self.struct()
        self.program()

    def literal(self, kind):
        bits = TYPES[kind]
        value = self.random.choice((0, 1, 2, (1 << bits) - 1, 1 << (bits - 1), self.random.getrandbits(bits),
                                    self.random.getrandbits(min(bits, 7))))
        return f"({kind}){value}{'ull' if bits == 64 else 'u'}"

    def expression(self, names, depth):
        """An expression of type u32 over `names`, {variable: type}."""
        r = self.random
        if depth <= 0 or r.random() < 0.15:
            if r.random() < 0.3 or not names:
                return self.literal("u32")
            name = r.choice(list(names))
            if names[name] == "u64":
                return f"(u32)({name} >> {r.choice((0, 7, 32, 40))})"
            return f"(u32){name}"
        sub = lambda: self.expression(names, depth - 1)
        choice = r.randint(0, 17)
        if choice < 5:
            return f"({sub()} {r.choice('+-&|^')} {sub()})"
        if choice == 5:
            return f"({sub()} {r.choice(('<<', '>>'))} {r.choice((str(r.randint(0, 31)), f'({sub()} & 31)'))})"
        if choice == 6:
            return f"sar({sub()}, {r.choice((str(r.randint(0, 31)), sub()))})"
        if choice == 7:
            return f"({sub()} * {sub()})"
        if choice == 8:
            return f"({sub()} {r.choice('/%')} (({sub()} & 0xffff) | 1))"
        if choice == 9:
            return f"(u32)((i32){sub()} {r.choice('/%')} (i32)(({sub()} & 0x7fff) + 1))"
        if choice == 10:
            signed = r.choice(("(u32)", "(i32)"))
            operator = r.choice(("<", "<=", ">", ">=", "==", "!="))
            return f"(u32)({signed}{sub()} {operator} {signed}{sub()})"
        if choice == 11:
            return f"(({sub()} {r.choice(('<', '>', '==', '!='))} {sub()}) ? {sub()} : {sub()})"
        if choice == 12:
            return f"(u32)({r.choice(('u8', 'i8', 'u16', 'i16'))}){sub()}"
        if choice == 13:
            name = r.choice(list(self.arrays))
            return f"(u32){name}[{sub()} & {self.arrays[name][1] - 1}]"
        if choice == 14:
            return f"(u32)__builtin_popcount({sub()})"
        if choice == 15:
            return f"(u32){r.choice(('__builtin_clz', '__builtin_ctz'))}({sub()} | 0x10000)"
        if choice == 16:
            shift = r.randint(0, 63)
            operator = r.choice(("+", "-", "^", "*", "&", "|"))
            return f"(u32)((((u64){sub()} << 32 | {sub()}) {operator} ((u64){sub()} << 32 | {sub()})) >> {shift})"
        if self.functions:
            name, count = r.choice(self.functions)
            return f"{name}({', '.join(sub() for _ in range(count))})"
        return f"(~{sub()})"

    def statements(self, names, depth, indent):
        r, lines, pad = self.random, [], "    " * indent
        for _ in range(r.randint(1, 4)):
            choice = r.randint(0, 9)
            value = self.expression(names, r.randint(1, 3))
            if choice < 3 and names:
                name = r.choice(list(names))
                lines.append(f"{pad}{name} = ({names[name]})({value});")
            elif choice < 5:
                name = r.choice(list(self.arrays))
                kind, length = self.arrays[name]
                index = self.expression(names, 1)
                operator = r.choice(("=", "+=", "^=", "-="))
                lines.append(f"{pad}{name}[{index} & {length - 1}] {operator} ({kind})({value});")
            elif choice == 5 and depth > 0:
                lines.append(f"{pad}if ({value} & {r.choice((1, 3, 0x80, 0x8000))}) {{")
                lines += self.statements(names, depth - 1, indent + 1)
                if r.random() < 0.5:
                    lines.append(f"{pad}}} else {{")
                    lines += self.statements(names, depth - 1, indent + 1)
                lines.append(f"{pad}}}")
            elif choice == 6 and depth > 0:
                self.loops += 1
                i = f"n{self.loops}"
                lines.append(f"{pad}for (u32 {i} = 0; {i} < {r.randint(1, 12)}; ++{i}) {{")
                lines += self.statements({**names}, depth - 1, indent + 1)
                lines.append(f"{pad}    mix({i});")
                lines.append(f"{pad}}}")
            elif choice == 7 and depth > 0:
                lines.append(f"{pad}switch ({value} & 7) {{")
                for case in range(r.randint(3, 7)):
                    lines.append(f"{pad}case {case}:")
                    lines += self.statements(names, 0, indent + 1)
                    if r.random() < 0.8:
                        lines.append(f"{pad}    break;")
                lines.append(f"{pad}default: mix({r.getrandbits(16)}u);")
                lines.append(f"{pad}}}")
            else:
                lines.append(f"{pad}mix({value});")
        return lines

    def function(self, name):
        r = self.random
        names = {f"p{i}": "u32" for i in range(r.randint(0, 7))}
        count = len(names)
        body = []
        for i in range(r.randint(1, 4)):
            kind = r.choice(list(TYPES))
            body.append(f"    {kind} v{i} = ({kind})({self.expression(names, 2)});")
            names[f"v{i}"] = kind
        body += self.statements(names, 2, 1)
        body.append(f"    return {self.expression(names, 3)};")
        inline = r.choice(("[[gnu::noinline]] ", ""))
        parameters = ", ".join(f"u32 p{i}" for i in range(count))
        self.parts.append(f"{inline}static u32 {name}({parameters}) {{\n" + "\n".join(body) + "\n}")
        self.functions.append((name, count))

    def struct(self):
        """Copies, pointers to functions, pointer walks: what expressions do not reach."""
        r = self.random
        length = r.randint(1, 40)
        self.parts.append(f"struct S {{ u8 b[{length}]; u32 w; u16 h; i8 c; u64 d; }};")
        self.parts.append("static S s0, s1;")
        table = [name for name, count in self.functions if count == 2]
        if table:
            self.parts.append(f"static u32 (*const table[])(u32, u32) = {{{', '.join(table)}}};")
        call = f"table[v % {len(table)}u](v, s.w)" if table else "v"
        self.parts.append(f"""[[gnu::noinline]] static S copy(S s, u32 v) {{
    for (u32 i = 0; i < {length}; ++i) s.b[i] = (u8)(s.b[i] + v + i);
    for (u8* p = s.b; p != s.b + {length}; ++p) mix(*p);
    s.w += {call}; s.h = (u16)(s.h ^ v); s.c = (i8)(s.c - (i8)v); s.d = s.d * 3 + v;
    return s;
}}""")

    def program(self):
        r = self.random
        body = self.statements({"v0": "u32", "v1": "u64", "v2": "i16"}, 3, 1)
        lines = ["    u32 v0 = 1; u64 v1 = 2; i16 v2 = 3;"] + body
        for name, count in self.functions:
            arguments = ", ".join(self.literal("u32") for _ in range(count))
            lines.append(f"    mix({name}({arguments}));")
        lines.append(f"    s1 = copy(s0, {r.getrandbits(32)}u); s0 = copy(s1, v0);")
        lines.append("    mix(s0.w); mix(s0.h); mix((u32)s0.c); mix((u32)(s0.d >> 32)); mix((u32)s0.d);")
        for name, (_, length) in self.arrays.items():
            lines.append(f"    for (u32 i = 0; i < {length}; ++i) mix((u32){name}[i]);")
        lines.append("    return hash_;")
        self.parts.append("static u32 program() {\n" + "\n".join(lines) + "\n}")

    def text(self):
        return HEAD + "\n".join(self.parts) + TAIL


def run(command, timeout=60):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout)


def build(command):
    done = run(command)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("clang", "lanai_run", "root"):
        parser.add_argument(name)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--programs", type=int, default=6)
    parser.add_argument("--keep", action="store_true", help="show the program that differs")
    options = parser.parse_args()
    root = Path(options.root)
    lanai = [options.clang, "--target=lanai", "-mcmodel=small", "-ffreestanding", "-fno-exceptions",
             "-fno-rtti", "-std=c++20", "-w", "-I", root, "-c"]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        runtime = folder / "runtime.o"
        build(lanai + ["-O2", root / "firmware/board/runtime.cpp", "-o", runtime])
        for seed in range(options.seed, options.seed + options.programs):
            source = folder / "program.cpp"
            source.write_text(Program(seed).text())
            build([options.clang, "-O1", "-w", "-std=c++20", "-fno-strict-aliasing", source, "-o", folder / "host"])
            expected = run([folder / "host"]).stdout
            for level in LEVELS:
                build(lanai + [level, source, "-o", folder / "program.o"])
                build([sys.executable, root / "firmware/tools/link_lanai.py", "-o", folder / "image",
                       folder / "program.o", runtime])
                done = run([options.lanai_run, folder / "image"])
                if done.returncode != 0 or done.stdout != expected:
                    wrong += 1
                    print(f"seed {seed} {level}: expected {expected.strip()}, got {done.stdout.strip()}\n{done.stderr}")
                    if options.keep:
                        print(source.read_text())
    print(f"{options.programs} programs at {len(LEVELS)} levels, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
