#!/usr/bin/env python3
"""Holds ARCHITECTURE.md and the include rules against the sources.

    architecture_test.py [ROOT]

Three functions look for what is wrong and return sentences: wrong_paths, wrong_trace,
wrong_includes. The tests want them empty for this tree; the tests in Broken damage a copy of it in
one place each and want the damage found.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGE = "ARCHITECTURE.md"
LAYERS = ("adi", "devices", "firmware", "mpi")
SUFFIXES = (".hpp", ".cpp", ".h", ".c", ".in")

# The one exception: who may include which devices.
ROUTE = "adi/engine/route.hpp"
INLINE_DEVICES = {"devices/self/self.hpp": "Self", "devices/shm/shm.hpp": "Shm"}

MOST_HOPS = 5
MOST_FILES = 4


# --- the page ------------------------------------------------------------------------------------

class Hop(NamedTuple):
    function: str
    file: str


ENTRY = re.compile(r"^(?:\d+\.|-) `([\w:]+)` in\s+`([^`]+)`", re.MULTILINE)


def hops_under(page: str, heading: str, mark: str) -> list[Hop]:
    """The entries of a list below a heading: `mark` is "1" for the numbered ones, "-" for the rest."""
    start = page.find(f"\n### {heading}")
    if start < 0:
        return []
    end = page.find("\n### ", start + 1)
    part = page[start:end if end >= 0 else len(page)]
    return [Hop(m[1], m[2]) for m in ENTRY.finditer(part) if (m[0][0] == "-") == (mark == "-")]


def looks_like_a_path(token: str) -> bool:
    if not re.fullmatch(r"[\w.*/-]+", token) or token.startswith(("/", "-", "*", "build/")):
        return False
    return "/" in token or token.endswith((".hpp", ".cpp", ".py", ".toml", ".md", ".map"))


def generated_names(root: Path) -> set[str]:
    """The names that mpi's build files give to what is made at build time."""
    text = "\n".join(f.read_text() for f in (root / "mpi").glob("*/meson.build"))
    return set(re.findall(r"'(\w+\.[ch]pp|mpi\.h)'", text))


def wrong_paths(root: Path) -> list[str]:
    page = (root / PAGE).read_text()
    paths = sorted({t for t in re.findall(r"`([^`\n]+)`", page) if looks_like_a_path(t)})
    made = generated_names(root)
    return [f"{PAGE} names {p}, which is not there" for p in paths
            if p not in made and not any(root.glob(p))] + ([] if paths else [f"{PAGE} names no path"])


# --- a look at C++ -------------------------------------------------------------------------------

def bare(text: str) -> str:
    """The text with comments and what is inside of literals blanked out."""
    def blank(m: re.Match) -> str:
        return m[0][0] + " " * (len(m[0]) - 2) + m[0][-1] if m[0][0] in "\"'" else " " * len(m[0])
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<!\w)'(?:\\.|[^'\\\n])*'", blank,
                  text, flags=re.DOTALL)


def closing(text: str, start: int) -> int:
    """Where the bracket that opens at `start` closes."""
    opens, closes = text[start], {"(": ")", "{": "}"}[text[start]]
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == opens) - (text[i] == closes)
        if depth == 0:
            return i
    return len(text)


SCOPE = re.compile(r"\b(?:namespace|class|struct)\s+([\w:]+)(?:\s+final)?\s*"
                   r"(?::(?!:)[^;{}()]*)?\{")


def definitions(text: str, function: str) -> list[str]:
    """The bodies of all definitions of `function` ("Class::name", "namespace::name" or "name")."""
    text = bare(text)
    scopes = [(m.end() - 1, closing(text, m.end() - 1), m[1]) for m in SCOPE.finditer(text)]
    name = function.rsplit("::", 1)[-1]
    bodies = []
    for m in re.finditer(rf"(?<![\w.>:])((?:\w+::)*){name}\s*\(", text):
        after = closing(text, m.end() - 1) + 1
        rest = re.match(r"\s*(?:const|noexcept|override|final|\s)*\{", text[after:])
        if rest is None:
            continue
        inside = [s[2] for s in scopes if s[0] < m.start() < s[1]]
        full = "::".join([*inside, m[1] + name])
        if full == function or full.endswith("::" + function):
            opening = after + rest.end() - 1
            bodies.append(text[opening:closing(text, opening) + 1])
    return bodies


def calls(body: str, function: str) -> bool:
    return re.search(rf"\b{function.rsplit('::', 1)[-1]}\s*(?:<[^;()]*>)?\(", body) is not None


# --- the trace -----------------------------------------------------------------------------------

def text_of(root: Path, hop: Hop, wrong: list[str]) -> str:
    """The source that defines the hop; for a shell, what the generator makes."""
    shell = re.fullmatch(r"shells_(\w+)\.cpp", hop.file)
    if shell is None:
        path = root / hop.file
        if not path.is_file():
            wrong.append(f"{hop.function} is said to be in {hop.file}, which is not there")
            return ""
        return path.read_text()
    name = hop.function.removeprefix("P")
    table = root / "mpi" / "spec" / f"{shell[1]}.toml"
    if not table.is_file() or f"[{name}]" not in table.read_text().splitlines():
        wrong.append(f"{hop.file} has no {name}: it is not in mpi/spec/{shell[1]}.toml")
        return ""
    made = subprocess.run([sys.executable, "-B", root / "mpi" / "gen" / "gen.py", "shell", name],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        wrong.append(f"the generator makes no {name}: {made.stderr.strip()}")
    elif f'alias("P{name}")' not in made.stdout:
        wrong.append(f"{name} is no alias of P{name}")
    return made.stdout


def wrong_chain(root: Path, hops: list[Hop], wrong: list[str]) -> list[str]:
    """Each hop is defined where it is said to be, and calls the next one. Returns the bodies."""
    bodies = []
    for hop in hops:
        found = definitions(text_of(root, hop, wrong), hop.function)
        if not found:
            wrong.append(f"{hop.file} does not define {hop.function}")
        bodies.append("\n".join(found))
    for hop, following, body in zip(hops, hops[1:], bodies):
        if body and not calls(body, following.function):
            wrong.append(f"{hop.function} does not call {following.function}")
    return bodies


def wrong_helpers(root: Path, helpers: list[Hop], bodies: list[str], wrong: list[str]) -> None:
    """Each helper is defined where it is said to be, and one of the hops calls it."""
    for helper in helpers:
        if not definitions(text_of(root, helper, wrong), helper.function):
            wrong.append(f"{helper.file} does not define {helper.function}")
        if not any(calls(body, helper.function) for body in bodies):
            wrong.append(f"no hop calls {helper.function}")


def wrong_trace(root: Path) -> list[str]:
    page = (root / PAGE).read_text()
    wrong: list[str] = []
    for side, first in (("The sender", "PMPI_Send"), ("The receiver", "PMPI_Recv")):
        hops = hops_under(page, side, "1")
        if not hops or hops[0].function != first:
            wrong.append(f"{PAGE}: the list of '{side}' does not begin with {first}")
            continue
        bodies = wrong_chain(root, hops, wrong)
        wrong_helpers(root, hops_under(page, side, "-"), bodies, wrong)
        if side == "The sender":
            files = {h.file for h in hops}
            if len(hops) > MOST_HOPS or len(files) > MOST_FILES:
                wrong.append(f"{len(hops)} hops over {len(files)} files from MPI_Send to memory")
            if hops[-1].file not in INLINE_DEVICES:
                wrong.append(f"the sender's list ends in {hops[-1].file}, not in a device")
        elif not re.search(r"memcpy\s*\(", bodies[-1]):
            wrong.append(f"{hops[-1].function} copies nothing")
    return wrong


# --- who includes whom ---------------------------------------------------------------------------

def included(root: Path, file: Path) -> list[str]:
    """What a file includes, as paths from the root where they are such."""
    names = re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', file.read_text(), re.MULTILINE)
    result = []
    for name in names:
        beside = (file.parent / name).resolve()
        is_ours = beside.is_file() and beside.is_relative_to(root)
        result.append(str(beside.relative_to(root)) if is_ours else name)
    return result


def strays_in_firmware(here: str, name: str) -> bool:
    """Devices know of the firmware what it shares with them; the control program itself, which runs
    on the board, knows nothing of the host."""
    if here.startswith("devices/"):
        return name.startswith("firmware/") and not name.startswith("firmware/protocol/")
    if here.startswith(("firmware/protocol/", "firmware/board/", "firmware/papers/")):
        return name.startswith(("adi/", "firmware/emulator/"))
    return False


def wrong_includes(root: Path) -> list[str]:
    wrong = []
    forbidden = {"adi": ("devices", "firmware", "mpi", "mpi.h"), "devices": ("mpi", "mpi.h"),
                 "firmware": ("devices", "mpi", "mpi.h"), "mpi": ("devices", "firmware")}
    for layer in LAYERS:
        files = [f for f in sorted((root / layer).rglob("*"))
                 if f.suffix in SUFFIXES and not f.name.endswith(("_test.cpp", "_fixture.hpp"))]
        if not files:
            wrong.append(f"no sources in {layer}")
        for file in files:
            here = str(file.relative_to(root))
            wrong += [f"{here} includes {name}" for name in included(root, file)
                      if name.split("/")[0] in forbidden[layer]
                      and not (here == ROUTE and name in INLINE_DEVICES)]
            wrong += [f"{here} includes {name}" for name in included(root, file)
                      if strays_in_firmware(here, name)]
            if layer == "mpi" and re.search(r"\bdev::", bare(file.read_text())):
                wrong.append(f"{here} names something of a device (dev::)")
    for header, name in INLINE_DEVICES.items():
        if not re.search(rf"class {name} final\b", (root / header).read_text()):
            wrong.append(f"class {name} in {header} is not final: its calls are indirect")
    return wrong


# --- the tests -----------------------------------------------------------------------------------

class Architecture(unittest.TestCase):
    def expect_none(self, wrong: list[str]) -> None:
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_paths(self) -> None:
        self.expect_none(wrong_paths(ROOT))

    def test_trace(self) -> None:
        self.expect_none(wrong_trace(ROOT))

    def test_includes(self) -> None:
        self.expect_none(wrong_includes(ROOT))


class Broken(unittest.TestCase):
    """Each rule, broken once in a copy."""

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.copy = Path(folder.name).resolve()
        for name in (*LAYERS, "docs"):
            shutil.copytree(ROOT / name, cls.copy / name,
                            ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("examples", "test"):
            (cls.copy / name).symlink_to(ROOT / name)
        shutil.copy(ROOT / PAGE, cls.copy / PAGE)

    def change(self, file: str, old: str, new: str) -> None:
        """Until the end of the test, `new` stands for `old`."""
        path = self.copy / file
        text = path.read_text()
        self.assertIn(old, text, f"{file} has nothing to break")
        self.addCleanup(path.write_text, text)
        path.write_text(text.replace(old, new))

    def expect(self, wrong: list[str], *words: str) -> None:
        self.assertTrue(any(all(w in line for w in words) for line in wrong), wrong)

    def test_a_path_that_is_gone(self) -> None:
        self.change(PAGE, "`adi/engine/matcher.hpp`", "`adi/engine/watcher.hpp`")
        self.expect(wrong_paths(self.copy), "adi/engine/watcher.hpp")

    def test_a_function_that_is_gone(self) -> None:
        self.change("devices/shm/shm.hpp", "Shm::send_short(", "Shm::send_brief(")
        self.expect(wrong_trace(self.copy), "does not define Shm::send_short")

    def test_a_hop_that_calls_another(self) -> None:
        self.change("mpi/pt2pt/send.cpp", "engine().send(", "engine().dispatch(")
        self.expect(wrong_trace(self.copy), "mpi::send does not call Engine::send")

    def test_a_call_in_a_comment_does_not_count(self) -> None:
        self.change("adi/engine/engine.hpp", "device.send_short(to, header_of(",
                    "device.brief(  // send_short(\nto, header_of(")
        self.expect(wrong_trace(self.copy), "Engine::send_short does not call Shm::send_short")

    def test_a_shell_that_calls_another_body(self) -> None:
        self.change("mpi/spec/pt2pt.toml", "[MPI_Send]\n", '[MPI_Send]\nbody = "rsend"\n')
        self.expect(wrong_trace(self.copy), "PMPI_Send does not call mpi::send")

    def test_a_receiver_that_matches_elsewhere(self) -> None:
        self.change("adi/engine/device_sink.hpp", "return on_eager(device, stream, ",
                    "return on_early(device, stream, ")
        self.expect(wrong_trace(self.copy), "Engine::on_header does not call Engine::on_eager")

    def test_a_helper_that_nobody_calls(self) -> None:
        self.change("devices/shm/shm.hpp", "ring.commit(", "ring.publish(")
        self.expect(wrong_trace(self.copy), "no hop calls OutRing::commit")

    def test_a_device_that_looks_into_the_emulator(self) -> None:
        self.change("devices/fm/board.hpp", '#include "firmware/protocol/layout.h"',
                    '#include "firmware/emulator/cable.hpp"')
        self.expect(wrong_includes(self.copy), "devices/fm/board.hpp includes firmware/emulator")

    def test_too_many_hops(self) -> None:
        line = "5. `Shm::send_short` in `devices/shm/shm.hpp`: again.\n"
        self.change(PAGE, "5. `Shm::send_short`", line + "5. `Shm::send_short`")
        self.expect(wrong_trace(self.copy), "6 hops over 4 files")

    def test_too_many_files(self) -> None:
        self.change(PAGE, "5. `Shm::send_short`",
                    "5. `Buffer::read` in `adi/base/layout.hpp`: more.\n5. `Shm::send_short`")
        self.expect(wrong_trace(self.copy), "6 hops over 5 files")

    def test_includes(self) -> None:
        for file, what in (("mpi/core/comm.cpp", '"devices/shm/shm.hpp"'),
                           ("mpi/core/comm.cpp", '"../../devices/shm/shm.hpp"'),
                           ("devices/self/self.cpp", '"mpi/core/comm.hpp"'),
                           ("devices/self/self.hpp", "<mpi.h>"),
                           ("adi/engine/engine.cpp", '"devices/shm/ring.hpp"'),
                           ("adi/engine/route.hpp", '"devices/shm/ring.hpp"'),
                           ("adi/base/config.hpp", "<mpi.h>")):
            with self.subTest(file=file, what=what):
                before = (self.copy / file).read_text()
                (self.copy / file).write_text(f"#include {what}\n{before}")
                self.expect(wrong_includes(self.copy), file, "includes")
                (self.copy / file).write_text(before)
        self.assertEqual(wrong_includes(self.copy), [])

    def test_a_device_named_in_mpi(self) -> None:
        self.change("mpi/core/comm.cpp", "namespace mpi {", "using dev::shm::Shm;\nnamespace mpi {")
        self.expect(wrong_includes(self.copy), "mpi/core/comm.cpp", "dev::")

    def test_a_device_that_is_not_final(self) -> None:
        self.change("devices/shm/shm.hpp", "class Shm final", "class Shm")
        self.expect(wrong_includes(self.copy), "not final")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[-1].startswith("-"):
        ROOT = Path(sys.argv.pop()).resolve()
    unittest.main()
