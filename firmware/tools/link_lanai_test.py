#!/usr/bin/env python3
"""Tests of link_lanai.py: link_lanai_test.py CLANG."""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

LINKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "link_lanai.py")
CLANG = "clang"
START = '__attribute__((section(".start"), naked)) void _start(void) { __asm__("bt main\\nnop"); }\n'


class LinkTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def link(self, *sources, limit=0x60000, language="c"):
        """Compiles and links; answers (exit status, messages)."""
        objects = []
        for i, source in enumerate(sources):
            subprocess.run([CLANG, "--target=lanai", "-O2", "-ffreestanding", "-mcmodel=small", "-x", language, "-c",
                            "-o", self.path(f"{i}.o"), "-"], input=source.encode(), check=True)
            objects.append(self.path(f"{i}.o"))
        done = subprocess.run([sys.executable, LINKER, "-o", self.path("image"), "--map", self.path("map"),
                               "--array", self.path("array"), "--limit", str(limit), *objects],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def image(self):
        with open(self.path("image"), "rb") as file:
            return file.read()

    def symbols(self):
        with open(self.path("map"), encoding="ascii") as file:
            return {name: int(address, 16) for address, _, name in map(str.split, file)}

    def test_words_branches_and_short_addresses(self):
        self.assertEqual(self.link(
            START + "extern int table[4]; int far(int); int main(void) { return far(table[1]) + 1; }",
            "int table[4] = {1, 2, 3, 4}; int *second = &table[1]; int zero[8]; int far(int a) { return a + zero[1]; }"),
            (0, ""))
        image, at = self.image(), self.symbols()
        self.assertEqual(at["_start"], 0)
        branch, = struct.unpack_from(">I", image, 0)
        self.assertEqual(branch, 0xE0000000 | at["main"])
        self.assertEqual(struct.unpack_from(">I", image, at["second"])[0], at["table"] + 4)
        loads = [w for w, in struct.iter_unpack(">I", image[:at["table"]]) if w & 0xF0030000 == 0xF0000000]
        self.assertIn(at["table"] + 4, [(w >> 18 & 31) << 16 | w & 0xFFFF for w in loads])
        self.assertGreaterEqual(at["zero"], len(image))  # what is zero is not in the file
        self.assertEqual(at["__image_end"], at["zero"] + 32)

    def test_long_addresses(self):
        source = START + "char big[70000] = {1}; int word = 7; int main(void) { return word; }"
        with open(self.path("s.c"), "w", encoding="ascii") as file:
            file.write(source)
        subprocess.run([CLANG, "--target=lanai", "-O2", "-ffreestanding", "-mcmodel=large", "-c", "-o", self.path("l.o"),
                        self.path("s.c")], check=True)
        subprocess.run([sys.executable, LINKER, "-o", self.path("image"), "--map", self.path("map"), self.path("l.o")],
                       check=True)
        word, main = self.symbols()["word"], self.symbols()["main"]
        self.assertGreater(word, 0xFFFF)
        code = struct.unpack_from(">12I", self.image(), main)
        self.assertIn(word >> 16, [w & 0xFFFF for w in code if w & 0x00030000 == 0x00010000])
        self.assertIn(word & 0xFFFF, [w & 0xFFFF for w in code])

    def test_an_inline_function_of_two_objects_stands_once(self):
        inline = "__attribute__((noinline)) inline int twice(int a) { static int calls; return a + ++calls; }\n"
        start = START.replace("void _start", 'extern "C" void _start')
        self.assertEqual(self.link(start + inline + "int b(int); extern \"C\" int main() { return twice(b(1)); }",
                                   inline + "int b(int a) { return twice(a); }", language="c++"), (0, ""))
        self.assertEqual(sum(name.startswith("_Z5twice") for name in self.symbols()), 1)

    def test_undefined(self):
        status, text = self.link(START + "int gone(void); int main(void) { return gone(); }")
        self.assertEqual(status, 1)
        self.assertIn("gone: undefined", text)

    def test_defined_twice(self):
        status, text = self.link(START + "int main(void) { return 1; }", "int main(void) { return 2; }")
        self.assertEqual(status, 1)
        self.assertIn("main: already defined", text)

    def test_no_start(self):
        status, text = self.link("int main(void) { return 1; }")
        self.assertEqual(status, 1)
        self.assertIn("_start", text)

    def test_too_long(self):
        status, text = self.link(START + "char big[1000]; int main(void) { return big[1]; }", limit=1000)
        self.assertEqual(status, 1)
        self.assertIn("more than there are", text)

    def test_static_constructor(self):
        status, text = self.link(START.replace("void _start", 'extern "C" void _start')
                                 + 'int f(); int a = f(); extern "C" int main() { return a; }', language="c++")
        self.assertEqual(status, 1)
        self.assertIn("nobody would run it", text)

    def test_other_files(self):
        for body in (b"", b"\x7fELF", b"\x7fELF\x01\x02\x01" + b"\0" * 60, os.urandom(300)):
            with open(self.path("x.o"), "wb") as file:
                file.write(body)
            done = subprocess.run([sys.executable, LINKER, "-o", self.path("image"), self.path("x.o")],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("link_lanai: ", done.stderr)
            self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        CLANG = sys.argv.pop(1)
    unittest.main()
