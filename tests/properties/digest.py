"""A digest of thousands of decisions and renderings: `python -m properties.digest 10000 [backwards]` prints it."""

import sys
from hashlib import sha256

from berth.decide.fingerprint import canonical, hashes
from berth.decide.whatif import outcome, would_change
from decide import worlds
from properties.examples import drawn
from properties.judge import required
from properties.specs import a_scene, bodies_of


def main(count: int, *, backwards: bool) -> None:
    """Print the digest of the first worlds. Backwards everything is remembered from other decisions before."""
    numbers = range(count)
    found = {number: _of(number) for number in (reversed(numbers) if backwards else numbers)}
    total = sha256()
    for number in numbers:
        total.update(found[number])
    print(total.hexdigest())


def _of(number: int) -> bytes:
    world = drawn("digest", number, (worlds.a_world,))[0]
    decision = outcome(world.inputs)
    seen = sha256(canonical(decision))
    seen.update(repr(hashes(world.ask, required(world), world.catalog, world.current)).encode())
    if number % 20 == 0:
        seen.update(repr(would_change(world.inputs, decision)).encode())
        seen.update(bodies_of(drawn("digest", number, (a_scene,))[0]))
    return seen.digest()


if __name__ == "__main__":
    main(int(sys.argv[1]), backwards=len(sys.argv) > 2)
