"""What the known models demand, traced from their true configurations and held to them by `test_estimates.py`.

Each number lies at or a little above its trace. The floating point operations leave out words and sound, so times made
of them are lower bounds.
"""

from __future__ import annotations

from msgspec.structs import replace

from sora_cli.engines.demand import Coding, Demand

WAN_DECODE = Coding(area=20_000, volume=12.5)
WAN_ENCODE = Coding(area=14_300, beside=14.5)
VACE_ENCODE = Coding(area=14_300, beside=61)
WAN_TILES = Coding(area=20_000, volume=12.5, tile=256, beside=7, kept=58)

WAN_SMALL = Demand(
    frames=4,
    pixels=16,
    held=50_500,
    per_token=2.6e9,
    per_pair=184_320,
    decode=WAN_DECODE,
    tiled=WAN_TILES,
    exact=frozenset({"vae"}),
    words=2.1e9,
)
WAN_LARGE = replace(WAN_SMALL, held=117e3, per_token=24.3e9, per_pair=819_200)
WAN_PICTURE = replace(WAN_LARGE, encode=WAN_ENCODE, encode_tiled=replace(WAN_ENCODE, tile=256))
WAN_VACE_SMALL = replace(
    WAN_SMALL,
    held=101.5e3,
    per_token=3.95e9,
    per_pair=276_480,
    encode=VACE_ENCODE,
    encode_tiled=replace(VACE_ENCODE, tile=256),
)
WAN_VACE_LARGE = replace(WAN_VACE_SMALL, held=211e3, per_token=29.6e9, per_pair=983_040)
WAN_5B = replace(
    WAN_SMALL,
    pixels=32,
    held=207e3,
    per_token=9e9,
    per_pair=368_640,
    decode=Coding(area=22_000, volume=12.5),
    tiled=replace(WAN_TILES, area=22_000),
)
LUCY = replace(
    WAN_5B,
    tiled=Coding(area=23_500, volume=12.5, tile=256, beside=7, kept=61),
    encode=Coding(area=7_200, beside=24.5),
    encode_tiled=Coding(area=7_200, beside=24.5, tile=512),
)
LTX_20 = Demand(
    frames=8,
    pixels=32,
    held=369e3,
    per_token=27e9,
    per_pair=786_432,
    batched=True,
    words=2e9,
    decode=Coding(volume=89),
    tiled=Coding(volume=92, tile=512, kept=37.5),
)
LTX_23 = replace(LTX_20, held=336e3, decode=Coding(volume=76), tiled=Coding(volume=80, tile=512, kept=37.5))
HELIOS = replace(WAN_SMALL, held=436e3, per_token=31e9, per_pair=1.2e6, chunk=33)
H3 = Demand(
    frames=3.4,
    pixels=32,
    held=194e3,
    per_token=40e9,
    per_pair=1.43e6,
    decode=Coding(volume=14.5),
    tiled=Coding(volume=14.5),
    words=1.6e9,
)
NANO = Demand(
    frames=4,
    pixels=64,
    held=26e3,
    per_token=10.8e6,
    per_pair=0,
    per_pixel=28.8e3,
    decode=Coding(volume=51),
    tiled=Coding(volume=51),
    encode=Coding(volume=73),
    encode_tiled=Coding(volume=73),
    exact=frozenset({"vae"}),
)
"""Its tokens are few: what it takes is its decoding."""
