"""The clock of a recording, which may jump where it was joined or restarted: time runs on, as it does in players."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from sora_cli.media.read.opening import OneStream

_JUMPY = {"mpegts", "mpeg", "ogg", "flv", "live_flv", "asf", "h264", "hevc"}
"""Containers whose clock may jump forward too (libavformat's AVFMT_TS_DISCONT)."""
_FORWARD, _BACK, _FAR_BACK = Fraction(10), Fraction(1, 10), Fraction(2)
"""Seconds that a clock must jump to be one that jumped: the limits of ffmpeg's own command, and one for containers that
should not jump, which is wider since they may give no times of decoding."""


class PacketClock:
    """Sets the times of packets, in the order of the file, so that they run on."""

    def __init__(self, container: InputContainer) -> None:
        self._can = not container.format.name.startswith("mov,")
        self._jumpy = container.format.name in _JUMPY
        self._due: dict[int, int | Fraction] = {}  # when the next packet of each stream is, in its ticks
        self._shift = self._before = Fraction(0)  # now, and before the last jump
        self.jumped = False

    def __call__(self, packet: Packet[Stream]) -> None:
        """Set one packet's times."""
        when = packet.dts if packet.dts is not None else packet.pts
        if not self._can or when is None or not packet.size:
            return
        number, shift = packet.stream_index, self._shift
        due = self._due.get(number)
        if when == due and not shift:  # as most are: an hour of sound has hundreds of thousands
            self._due[number] = when + (packet.duration or 0)
            return
        told, expected = when * packet.time_base, None if due is None else due * packet.time_base
        if expected is not None and abs(told + self._before - expected) <= _BACK < abs(told + shift - expected):
            shift = self._before  # another track jumped first, and this is what was left of its own
        elif expected is not None and self._is_jump(told + shift - expected):
            self._before, self._shift, self.jumped = shift, expected - told, True
            shift = self._shift
        at = told + shift
        if shift:
            ticks = round(shift / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        self._due[number] = max(at, expected or at) / packet.time_base + (packet.duration or 0)

    def _is_jump(self, late: Fraction) -> bool:
        return late > _FORWARD or late < -_BACK if self._jumpy else late < -_FAR_BACK


def packets(
    container: InputContainer, stream: OneStream, clock: PacketClock | None = None
) -> Iterator[Packet[OneStream]]:
    """The packets of a stream, times running on; the last one is empty, and flushes the decoder."""
    clock = clock or PacketClock(container)
    for packet in container.demux():
        clock(packet)
        if packet.stream.index == stream.index:
            yield cast("Packet[OneStream]", packet)
