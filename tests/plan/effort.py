"""How hard the properties of whole passes try: half as many examples as the profile says, each is worth several."""

from hypothesis import settings

half = settings(max_examples=settings().max_examples // 2)
