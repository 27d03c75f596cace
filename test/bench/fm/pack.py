"""pack.py OUTPUT MODULE...: one executable file of the modules; fm_bench.main is its start."""

import os
import pathlib
import sys
import zipfile

MAIN = "import sys\nimport fm_bench\nsys.exit(fm_bench.main(sys.argv[1:]))\n"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes from the same sources


def main(output, modules):
    with open(output, "wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("__main__.py", EPOCH), MAIN)
            for path in sorted(map(pathlib.Path, modules), key=lambda p: p.name):
                archive.writestr(zipfile.ZipInfo(path.name, EPOCH), path.read_text(encoding="utf-8"))
    os.chmod(output, 0o755)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
