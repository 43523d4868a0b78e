"""`python -m podlab.deploy.images OUTPUT_DIR`: makes every image and prints the paths of those that changed."""

import sys
from pathlib import Path

from podlab.deploy.images.catalog import IMAGES, build
from podlab.deploy.images.elf import ProgramError


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m podlab.deploy.images OUTPUT_DIR", file=sys.stderr)
        return 2
    output = Path(arguments[0])
    for name, recipe in IMAGES.items():
        path = output / recipe.file_name
        before = path.stat().st_mtime_ns if path.exists() else None
        try:
            build(name, output)
        except (ProgramError, OSError) as error:
            print(f"cannot make {name}: {error}", file=sys.stderr)
            return 1
        if path.stat().st_mtime_ns != before:
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
