"""`python -m image base|build|sbom|index|run`: what `make image` and a release do, step by step."""

import argparse
import sys
from pathlib import Path

from image import base, build, run, sbom, storage
from image.layout import Image, combine

SBOM = Path("build/sbom.cdx.json")
INDEX = Path("build/index")


def main() -> int:
    """Do one step; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m image", description=__doc__)
    parser.add_argument("step", choices=("base", "build", "sbom", "index", "run"))
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="layouts for `index`, arguments of the entry point for `run`"
    )
    asked = parser.parse_args()
    try:
        match asked.step:
            case "base":
                with storage.held(print):
                    base.make()
            case "build":
                _tell(build.NAME, build.build())
                _tell(build.PROBE_NAME, build.build_probe())
            case "sbom":
                image = build.built()
                count = sbom.write(image, run.unpacked(image), SBOM)
                print(f"{SBOM}: {count} parts")
            case "index":
                print(combine([Image(Path(each)) for each in asked.arguments], INDEX))
            case _:
                return run.run(build.built(), asked.arguments)
    except storage.ImageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _tell(name: str, image: Image) -> None:
    print(f"{name} {image.digest}: {image.size / 1e6:.0f} MB, {image.compressed / 1e6:.0f} MB to pull")


if __name__ == "__main__":
    sys.exit(main())
