#!/usr/bin/env python3
"""Links LANai objects to a flat SRAM image. No linker knows the machine.

    link_lanai.py -o IMAGE [--map FILE] [--array FILE --name NAME] [--limit BYTES] OBJECT...

Objects are what `clang --target=lanai -c` writes: ELF32, big-endian, relocatable, machine 0xF4,
RELA. The image begins at address 0 with `_start` (keep it in a section `.start`), then text,
constants, data; what is zero at first (.bss) follows and is not in the file. `__bss_start` and
`__image_end` (end of .bss, a multiple of 8) are defined.

--map writes one symbol a line, "address size name" in hexadecimal, by address. --array writes the
image, the length in memory and the symbols as C++ source: what firmware_image.hpp declares.
Exit status 1, and a sentence for each mistake, when a symbol is undefined or defined twice, when
the image does not fit below --limit, or when an object is not of that kind.
"""
import argparse
import struct
import sys

EM_LANAI = 0xF4
SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL, SHT_INIT_ARRAY, SHT_GROUP = 1, 2, 4, 8, 9, 14, 17
SHF_WRITE, SHF_ALLOC, SHF_EXEC, SHF_GROUP = 1, 2, 4, 0x200
SHN_UNDEF, SHN_ABS, SHN_COMMON = 0, 0xFFF1, 0xFFF2
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
STT_SECTION, STT_FILE = 3, 4
R_NONE, R_21, R_25, R_32, R_HI16, R_LO16 = 0, 1, 3, 4, 5, 6


class LinkError(Exception):
    """Something that a person has to be told."""


class Section:
    """A section of an object; `address` is set by place()."""

    def __init__(self, name, kind, flags, size, align, data):
        self.name, self.kind, self.flags, self.size = name, kind, flags, size
        self.align, self.data = max(align, 1), data
        self.address, self.kept = None, True

    def rank(self):
        """Order in the image: _start, text, constants, data, zeros."""
        if self.name == ".start":
            return 0
        if self.kind == SHT_NOBITS:
            return 4
        if self.flags & SHF_EXEC:
            return 1
        return 3 if self.flags & SHF_WRITE else 2


class Symbol:
    """A symbol of an object; `section` is a Section, None when undefined, or "abs"."""

    def __init__(self, name, value, size, bind, kind, section):
        self.name, self.value, self.size = name, value, size
        self.bind, self.kind, self.section = bind, kind, section

    def address(self):
        return self.value if self.section == "abs" else self.section.address + self.value


class Object:
    """An object file, taken apart."""

    def __init__(self, path, data):
        self.path = path
        if data[:7] != b"\x7fELF\x01\x02\x01":
            raise LinkError(f"{path}: not an ELF32 big-endian file")
        kind, machine = struct.unpack_from(">HH", data, 16)
        if machine != EM_LANAI or kind != 1:
            raise LinkError(f"{path}: not a relocatable LANai object (type {kind}, machine {machine:#x})")
        offset, = struct.unpack_from(">I", data, 32)
        size, count, names = struct.unpack_from(">HHH", data, 46)
        heads = [struct.unpack_from(">10I", data, offset + i * size) for i in range(count)]
        self.heads, self.file = heads, data
        strings = self.body(names)
        self.sections = [
            Section(text(strings, h[0]), h[1], h[2], h[5], h[8], b"" if h[1] == SHT_NOBITS else self.body(i))
            for i, h in enumerate(heads)]
        self.symbols, self.groups, self.relocations = [], [], []
        self.read_symbols()
        self.read_rest()

    def body(self, index):
        head = self.heads[index]
        if head[4] + head[5] > len(self.file) and head[1] != SHT_NOBITS:
            raise LinkError(f"{self.path}: cut off")
        return self.file[head[4]:head[4] + head[5]]

    def read_symbols(self):
        for i, head in enumerate(self.heads):
            if head[1] != SHT_SYMTAB:
                continue
            strings, body = self.body(head[6]), self.body(i)
            for at in range(0, len(body), 16):
                name, value, size, info, _, index = struct.unpack_from(">IIIBBH", body, at)
                if index == SHN_COMMON:
                    raise LinkError(f"{self.path}: {text(strings, name)}: common symbol; compile with -fno-common")
                section = None if index == SHN_UNDEF else "abs" if index == SHN_ABS else self.sections[index]
                name = text(strings, name)
                if info & 15 == STT_SECTION:
                    name = section.name
                self.symbols.append(Symbol(name, value, size, info >> 4, info & 15, section))

    def read_rest(self):
        for i, head in enumerate(self.heads):
            section, body = self.sections[i], self.body(i) if head[1] != SHT_NOBITS else b""
            if head[1] in (SHT_INIT_ARRAY, SHT_REL) or section.name.startswith(".init_array"):
                raise LinkError(f"{self.path}: {section.name}: nobody would run it; make it constinit")
            if head[1] == SHT_GROUP:
                words = struct.unpack(f">{len(body) // 4}I", body)
                self.groups.append((self.symbols[head[7]].name, [self.sections[w] for w in words[1:]]))
            if head[1] == SHT_RELA and self.sections[head[7]].flags & SHF_ALLOC:
                for at in range(0, len(body), 12):
                    where, info, addend = struct.unpack_from(">IIi", body, at)
                    self.relocations.append((self.sections[head[7]], where, info & 255, info >> 8, addend))


def text(strings, at):
    return strings[at:strings.index(b"\0", at)].decode()


def drop_double_groups(objects):
    """Of functions that several objects hold (inline ones), the first stays."""
    seen = set()
    for obj in objects:
        for name, members in obj.groups:
            if name in seen:
                for section in members:
                    section.kept = False
            seen.add(name)


def place(objects):
    """Gives each section its address; answers (end of the file's part, end of memory)."""
    sections = [s for o in objects for s in o.sections if s.flags & SHF_ALLOC and s.kept and s.size]
    sections.sort(key=Section.rank)
    at, filled = 0, None
    for section in sections:
        if section.kind == SHT_NOBITS and filled is None:
            at = filled = (at + 7) & ~7
        at = (at + section.align - 1) // section.align * section.align
        section.address = at
        at += section.size
    for obj in objects:  # empty ones may still carry symbols
        for section in obj.sections:
            if section.flags & SHF_ALLOC and section.kept and section.address is None:
                section.address = at
    filled = (at + 7) & ~7 if filled is None else filled
    return filled, (at + 7) & ~7


def resolve(objects, filled, end):
    """All global symbols by name; raises with every mistake."""
    table = {"__bss_start": Symbol("__bss_start", filled, 0, STB_GLOBAL, 0, "abs"),
             "__image_end": Symbol("__image_end", end, 0, STB_GLOBAL, 0, "abs")}
    owner, wrong = {}, []
    for obj in objects:
        for symbol in obj.symbols:
            gone = isinstance(symbol.section, Section) and not symbol.section.kept
            if symbol.bind == STB_LOCAL or symbol.section is None or gone:
                continue
            old = table.get(symbol.name)
            if old is None or (old.bind == STB_WEAK and symbol.bind == STB_GLOBAL):
                table[symbol.name] = symbol
                owner[symbol.name] = obj.path
            elif old.bind == STB_GLOBAL and symbol.bind == STB_GLOBAL:
                wrong.append(f"{obj.path}: {symbol.name}: already defined in {owner.get(symbol.name, 'the linker')}")
    missing = {}
    for obj in objects:
        for section, _, _, index, _ in obj.relocations:
            symbol = obj.symbols[index]
            if section.kept and symbol.section is None and index and symbol.name not in table:
                missing.setdefault(symbol.name, obj.path)
    wrong += [f"{path}: {name}: undefined" for name, path in sorted(missing.items())]
    if "_start" not in table or table["_start"].address() != 0:
        wrong.append("_start: must be defined, first in a section .start")
    if wrong:
        raise LinkError("\n".join(wrong))
    return table


def patched(kind, word, value):
    """The instruction or word with its address put in; None when that does not fit."""
    if kind == R_21:
        return None if value >> 21 else (word & ~0x7CFFFF) | (value >> 16) << 18 | value & 0xFFFF
    if kind == R_25:
        return None if value >> 25 or value & 3 else (word & ~0x1FFFFFC) | value
    if kind == R_32:
        return value & 0xFFFFFFFF
    if kind == R_HI16:
        return (word & ~0xFFFF) | (value >> 16) & 0xFFFF
    if kind == R_LO16:
        return (word & ~0xFFFF) | value & 0xFFFF
    return None


def relocate(objects, table, image):
    for obj in objects:
        for section, where, kind, index, addend in obj.relocations:
            if not section.kept or kind == R_NONE:
                continue
            symbol = obj.symbols[index]
            if symbol.section is None or (isinstance(symbol.section, Section) and not symbol.section.kept):
                symbol = table[symbol.name]
            at = section.address + where
            word, = struct.unpack_from(">I", image, at)
            new = patched(kind, word, symbol.address() + addend)
            if new is None:
                raise LinkError(f"{obj.path}: {section.name}+{where:#x}: relocation {kind} to "
                                f"{symbol.name}+{addend:#x} is unknown or does not fit")
            struct.pack_into(">I", image, at, new)


def symbol_map(objects, table):
    """(address, size, name) of functions and objects, by address."""
    found = {(s.address(), s.size, s.name) for s in table.values()}
    for obj in objects:
        for s in obj.symbols:
            if (s.bind == STB_LOCAL and isinstance(s.section, Section) and s.section.address is not None
                    and s.name and not s.name.startswith(".L") and s.kind not in (STT_SECTION, STT_FILE)):
                found.add((s.address(), s.size, s.name))
    return sorted(found)


def link(objects, limit):
    """The image, its length in memory, and its symbols."""
    drop_double_groups(objects)
    filled, end = place(objects)
    if end > limit:
        raise LinkError(f"the image takes {end} bytes, {end - limit} more than there are")
    table = resolve(objects, filled, end)
    image = bytearray(filled)
    for obj in objects:
        for section in obj.sections:
            if section.address is not None and section.kind != SHT_NOBITS and section.size:
                image[section.address:section.address + section.size] = section.data
    relocate(objects, table, image)
    return bytes(image), end, symbol_map(objects, table)


def array(image, end, symbols, name):
    """C++ source that defines firmware::NAME."""
    rows = [", ".join(f"0x{b:02x}" for b in image[i:i + 16]) for i in range(0, len(image), 16)]
    names = "\n".join(f'    {{0x{a:x}, {s}, "{n}"}},' for a, s, n in symbols)
    return (f'#include "firmware/tools/firmware_image.hpp"\n\nnamespace firmware {{\nnamespace {{\n'
            f"constexpr std::uint8_t {name}Bytes[] = {{\n    " + ",\n    ".join(rows) + "};\n"
            f"constexpr Symbol {name}Symbols[] = {{\n{names}\n}};\n}}  // namespace\n\n"
            f"extern const Image {name};\nconst Image {name}{{{name}Bytes, 0x{end:x}, {name}Symbols}};\n\n}}  // namespace firmware\n")


def main():
    parser = argparse.ArgumentParser(description="Links LANai objects to a flat SRAM image.")
    parser.add_argument("-o", "--output", help="the image, raw bytes")
    parser.add_argument("--map", help="where to write the symbols")
    parser.add_argument("--array", help="where to write the image as C++ source")
    parser.add_argument("--name", default="kImage", help="its name there")
    parser.add_argument("--limit", type=lambda s: int(s, 0), default=0x60000, help="bytes that it may take")
    parser.add_argument("objects", nargs="+")
    options = parser.parse_args()
    try:
        objects = []
        for path in options.objects:
            with open(path, "rb") as file:
                objects.append(Object(path, file.read()))
        image, end, symbols = link(objects, options.limit)
    except (LinkError, OSError, struct.error, IndexError, ValueError) as error:
        print(*(f"link_lanai: {line}" for line in str(error).splitlines()), sep="\n", file=sys.stderr)
        return 1
    if options.output:
        with open(options.output, "wb") as file:
            file.write(image)
    if options.map:
        with open(options.map, "w", encoding="ascii") as file:
            file.writelines(f"{address:05x} {size:5x} {name}\n" for address, size, name in symbols)
    if options.array:
        with open(options.array, "w", encoding="ascii") as file:
            file.write(array(image, end, symbols, options.name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
