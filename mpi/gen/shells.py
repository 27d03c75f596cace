"""The shells: PMPI_X, which decodes and checks the arguments and calls the body, and its weak
alias MPI_X."""

import re
from pathlib import Path

from kinds import BUFFERS, BYTES, COMMS, COUNTS, LENGTHS, PER_PROCESS, SIZES, TYPES
from model import Function, Param, SpecError


class Shell:
    """Writes one function's shell."""

    def __init__(self, function: Function):
        self.f = function
        self.comm = self.first(*COMMS)
        self.root = self.first("ROOT")
        self.owner = self.comm or self.first("SESSION", "SESSION_FREE")
        if not self.owner and self.first("SESSION_OUT", "COMM_OUT"):
            self.owner = self.first("ERRHANDLER")

    def first(self, *kinds: str, after: int = -1) -> Param | None:
        return next((p for p in self.f.params[after + 1:] if p.kind_name in kinds), None)

    # What a parameter depends on.

    def next_to(self, param: Param, *kinds: str) -> Param:
        found = self.first(*kinds, after=self.f.params.index(param))
        if found is None:
            raise SpecError(f"{self.f.name}: {param.name} needs a parameter of {kinds} after it")
        return found

    def length(self, param: Param) -> str:
        """How many elements an array has."""
        if param.kind_name in PER_PROCESS and self.comm.kind_name == "COMM_TOPOLOGY":
            return self.degree(self.owners(param)[0])
        if param.kind_name in PER_PROCESS:
            own = any(b.flag == "own_part" for b in self.owners(param))
            return f"{self.object(self.comm)}->{'size' if own else 'peer_size'}"
        found = self.next_to(param, *SIZES) if param.kind_name in BYTES else self.first(*LENGTHS)
        return found.name

    def degree(self, buffer: Param) -> str:
        """How many neighbours a buffer has blocks for."""
        side = "destinations" if buffer.kind_name == "SEND_BUFFER" else "sources"
        return f"check::{side}(*{self.object(self.comm)})"

    def count(self, buffer: Param) -> str:
        count = self.next_to(buffer, *COUNTS)
        if count.kind_name == "COUNT" and self.comm and self.comm.kind_name == "COMM_TOPOLOGY":
            return f"{self.degree(buffer)} != 0 ? {count.name} : 0"
        if buffer.flag == "own_part":
            return f"{count.name}[{self.object(self.comm)}->rank]"
        return f"{count.name}, {self.length(count)}" if count.kind_name == "COUNTS" else count.name

    def type(self, param: Param) -> str:
        if param.kind_name in BUFFERS:
            found = self.next_to(param, *TYPES)
            each = found.kind_name == "DATATYPES_EACH"
            return self.argument(found) if each else f"*{self.object(found)}"
        found = self.first(*TYPES)
        return f"*{self.object(found)}" if found else ""

    def guard(self, param: Param) -> str:
        """The condition under which an argument is significant on this process; "" is always."""
        if param.kind_name in BUFFERS:
            comm = self.object(self.comm) if self.comm else ""
            return {"": "", "own_part": "", "at_root": "at_root", "not_at_first": f"{comm}->rank != 0",
                    "in_place": f"!check::in_place({param.name}, *{comm})", "in_place_at_root":
                    f"!(at_root && ({comm}->is_inter() || {param.name} == MPI_IN_PLACE))"}[param.flag]
        owners = self.owners(param)
        return self.guard(owners[0]) if len(owners) == 1 else ""

    def side(self, buffer: Param) -> tuple[Param, ...]:
        """The parameters that describe a buffer: all up to its datatype."""
        last = self.next_to(buffer, *TYPES)
        return self.f.params[self.f.params.index(buffer) + 1:self.f.params.index(last) + 1]

    def owners(self, param: Param) -> list[Param]:
        """The buffers that a count, displacement or datatype describes."""
        return [b for b in self.f.params if b.kind_name in BUFFERS and param in self.side(b)]

    # Pieces of text.

    @staticmethod
    def object(param: Param) -> str:
        return f"{param.name}_object"

    def fill(self, template: str, p: Param) -> str:
        words = {"n": lambda: p.name, "o": lambda: self.object(p), "length": lambda: self.length(p),
                 "comm": lambda: f"*{self.object(self.comm)}", "type": lambda: self.type(p),
                 "count": lambda: self.count(p),
                 "large": lambda: str(self.f.large).lower()}
        return re.sub(r"{(\w+)}", lambda m: words[m[1]](), template)

    def checks(self) -> list[str]:
        lines, guard_open, have_at_root = [], "", False
        spared = self.described_data() if self.root and self.first("REQUEST_OUT") else []
        for p in sorted(self.f.params, key=lambda p: p.kind.order):
            if not p.kind.check:
                continue
            guard = self.guard(p)
            if p in spared:
                guard = " && ".join([f"{self.root.name} != MPI_PROC_NULL"] + [guard] * bool(guard))
            if guard != guard_open:
                lines += ["}"] * bool(guard_open)
                guard_open = ""
            if "at_root" in guard and not have_at_root:
                lines.append(f"const bool at_root = check::is_root({self.root.name}, "
                             f"*{self.object(self.comm)});")
                have_at_root = True
            if guard != guard_open:
                lines += [f"if ({guard}) {{"] * bool(guard)
                guard_open = guard
            lines.append(("    " if guard else "") + try_(self.fill(p.kind.check, p)))
            if p == self.root:
                lines += self.beside_root()
        lines += ["}"] * bool(guard_open)
        return lines + self.distinct()

    def described_data(self) -> list[Param]:
        """The buffers, what describes them, and the operation."""
        buffers = [p for p in self.f.params if p.kind_name in BUFFERS]
        return [p for p in self.f.params if p in buffers or p.kind_name == "OP" or self.owners(p)]

    def beside_root(self) -> list[str]:
        """Beside the root of an intercommunicator no data matters: a blocking call is done, a
        request is made with stand-ins for what may be no handles."""
        condition = f"if ({self.root.name} == MPI_PROC_NULL) [[unlikely]]"
        if not self.first("REQUEST_OUT"):
            return [f"{condition} return Status::ok;"]
        stand_ins = {"DATATYPE": "find<Datatype>(MPI_BYTE)", "OP": "find<Op>(MPI_BOR)"}
        return [f"{condition} {{",
                *(f"    {self.object(p)} = {stand_ins[p.kind_name]};"
                  for p in self.f.params if p.kind_name in stand_ins), "}"]

    def distinct(self) -> list[str]:
        """The check that a collective call's buffers differ; not where displacements may tell them
        apart."""
        send, recv = self.first("SEND_BUFFER"), self.first("RECV_BUFFER")
        if not send or not recv or self.first("DISPLS", "AINT_DISPLS", "DEST"):
            return []
        counts = {b: self.next_to(b, *COUNTS) for b in (send, recv)}
        own = [self.count(b) if c.kind_name == "COUNT" else f"{c.name}[{self.object(self.comm)}->rank]"
               for b, c in counts.items()]
        check = try_(f'check::distinct("{send.name}", {send.name}, {own[0]}, '
                     f'"{recv.name}", {recv.name}, {own[1]})')
        guards = [self.guard(b) for b in (send, recv) if b.flag in ("at_root", "not_at_first")]
        if self.root:
            guards[0] += f" && !{self.object(self.comm)}->is_inter()"
        return [f"if ({guards[0]}) {{", "    " + check, "}"] if guards else [check]

    def argument(self, p: Param) -> str:
        text = self.fill(p.kind.arg, p)
        if p.kind_name in (*BUFFERS, "DATATYPES_EACH") or not self.guard(p):
            return text
        # Not significant here: the other side's datatype, no elements.
        own = self.object(self.side(self.owners(p)[0])[-1])
        if p.kind_name in TYPES:
            other = next(q for q in self.f.params if q.kind_name in TYPES and q != p)
            return f"*({own} ? {own} : {self.object(other)})"
        if p.kind_name == "COUNT":
            return f"{own} ? {text} : 0"
        return f"{own} ? IntArray({text}) : IntArray()"

    def proc_null(self) -> list[str]:
        peer = self.first("DEST", "SOURCE")
        if not self.f.proc_null:
            return []
        lines = [f"if ({peer.name} == MPI_PROC_NULL) [[unlikely]] {{"]
        if self.f.proc_null == "empty_status":
            lines.append(f"    set_proc_null({self.first('STATUS_OUT').name});")
            if flag := self.first("INT_OUT"):
                lines.append(f"    *{flag.name} = 1;")
        return lines + ["    return Status::ok;", "}"]

    def report(self) -> str:
        """The arguments of fail_call: a format, and the values."""
        def letter(p: Param) -> str:
            return "l" if self.f.large and p.kind.large and p.kind.letter == "i" else p.kind.letter
        text = ", ".join(f"{p.name}=%{letter(p)}" for p in self.f.params)
        return ", ".join([f'"{self.f.name}({text})"', *(p.name for p in self.f.params)])

    def lines(self) -> list[str]:
        f = self.f
        arguments = ", ".join(self.argument(p) for p in f.params)
        if f.returns != "int":
            return [f"return mpi::{f.body}({arguments});"]
        lines = {"running": [f'const Call call("{f.name}");'], "any": [],
                 "always": ["const AnyTimeCall call;"]}[f.when]
        locals_ = {p: self.fill(p.kind.local, p) for p in f.params if p.kind.local}
        outer = locals_.pop(self.owner, "")
        lines += [outer] * bool(outer)
        inner = [*locals_.values(), *self.checks(), *self.proc_null()]
        after = [self.fill(p.kind.after, p) for p in f.params if p.kind.after]
        call = f"mpi::{f.body}({arguments})"
        if after:
            inner += [try_(call), *after, "return Status::ok;"]
        else:
            inner.append(f"return {call};")
        owner = self.object(self.owner) if self.owner else "nullptr"
        return [*lines, "const Status outcome = [&]() -> Status {",
                *("    " + line for line in inner), "}();",
                "if (outcome != Status::ok) [[unlikely]] {",
                f"    return fail_call(outcome, {owner},",
                f"                     {self.report()});", "}", "return MPI_SUCCESS;"]

    def text(self) -> str:
        f = self.f
        body = "\n".join("    " + line for line in self.lines())
        return (f"// {f.about}.\n{EXPORT} {f.prototype('P')} {{\n{body}\n}}\n"
                f'{EXPORT} {f.prototype()} __attribute__((weak, alias("P{f.name}")));\n')


EXPORT = 'extern "C" [[gnu::visibility("default")]]'


def try_(expression: str) -> str:
    return f"if (Status s = {expression}; s != Status::ok) [[unlikely]] return s;"


def chapter_text(template: Path, chapter: str, functions: list[Function]) -> str:
    shells = [Shell(f).text() for f in functions if f.shell == "generated"]
    text = template.read_text(encoding="utf-8").replace("@CHAPTER@", chapter)
    return text.replace("@SHELLS@\n", "\n".join(shells))
