"""What can be told about a sound without an ear: plain measurements, which share no code with the synthesis.

Every figure is of the mean of the channels. The figures follow `docs/sound.md` (yardsticks: McDermott & Simoncelli 2011
for the statistics of envelopes, Schroeder 1965 for decay, Wildes & Richards for the loss factor).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, ndimage, signal

RATE = 48_000
FLOOR = 50.0  # dB under the loudest frame: less than this counts as silence
Array = NDArray[np.float64]
Figures = dict[str, float]


def listen(samples: NDArray[np.floating]) -> Figures:
    """All figures of a sound (samples, channels) or (samples,), at 48 kHz; those that it has not are NaN."""
    wave = np.asarray(samples, dtype=np.float64)
    wave = wave.mean(axis=1) if wave.ndim == 2 else wave
    wave = wave / (np.abs(wave).max() + 1e-12)
    return {
        **_amplitude(wave),
        **_spectrum(wave),
        **_lines(wave),
        **_onsets(wave),
        **_course(wave),
        **_modulation(wave),
        **_bands(wave),
        **_tones(wave),
        **_fakes(wave),
    }


def levels(wave: Array, seconds: float) -> Array:
    """RMS of frames of so many seconds, in dB, at most 80 under the loudest."""
    size = int(seconds * RATE)
    whole = wave[: max(len(wave) // size, 1) * size].reshape(-1, min(size, len(wave)))
    power = (whole**2).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, power.max() * 1e-8 + 1e-20)))


def _amplitude(wave: Array) -> Figures:
    """How peaked and how steady: kurtosis, `swing` of 100 ms levels, `steady` (spread of 1 s levels), `silence`."""
    tenths, short = levels(wave, 0.1), levels(wave, 0.01)
    loud = np.flatnonzero(short > short.max() - FLOOR)
    low, high = np.percentile(tenths, (10, 90))
    return {
        "dc": float(abs(wave.mean()) / (wave.std() + 1e-12)),
        "kurtosis": float((wave**4).mean() / (wave**2).mean() ** 2),
        "swing": float(high - low),
        "steady": float(levels(wave, 1.0).std()) if len(wave) > 3 * RATE else np.nan,
        "silence": float((short < short.max() - FLOOR).mean()),
        "length": (loud[-1] - loud[0] + 1) * 0.01,
    }


def _spectrum(wave: Array) -> Figures:
    """Centroid, slope (dB an octave, 125 Hz to 8 kHz), peak, and shares of the power by band."""
    frequency, power = signal.welch(wave, RATE, nperseg=min(8192, len(wave)))
    heard = (frequency >= 20) & (frequency <= 16_000)
    frequency, power = frequency[heard], power[heard]
    total = power.sum()
    octaves = 125 * 2.0 ** np.arange(0, 6.5, 0.5)
    band = [power[(frequency >= f / 2**0.25) & (frequency < f * 2**0.25)].mean() for f in octaves]
    peak = float(frequency[power.argmax()])

    def share(low: float, high: float) -> float:
        return float(power[(frequency >= low) & (frequency < high)].sum() / total)

    return {
        "centroid": float((frequency * power).sum() / total),
        "slope": float(np.polyfit(np.arange(len(octaves)) / 2, 10 * np.log10(np.array(band) + 1e-20), 1)[0]),
        "peak": peak,
        "low": share(20, 200),
        "body": share(200, 1500),
        "bright": share(1500, 6000),
        "air": share(6000, 16_001),
        "narrow": share(peak / 1.1, peak * 1.1),
    }


# ------------------------------------------------------------------------------------------------------------ lines


def _lines(wave: Array) -> Figures:
    """Narrow lines: their share of the power, their number, how lossy they are, and two known families of partials."""
    wave = np.pad(wave, (0, max(0, 16_384 - len(wave))))
    size = 16_384
    frequency, power = signal.welch(wave, RATE, nperseg=size, window="blackmanharris")
    around = signal.medfilt(power, 2 * (int(130 * size / RATE) // 2) + 1)
    stands = (power > 10 * around) & (frequency > 100) & (frequency < 14_000)
    wide = np.convolve(stands, np.ones(5), "same") > 0
    tops, _ = signal.find_peaks(np.where(stands, power, 0))
    tops = tops[power[tops] > power[tops].max() * 1e-3] if len(tops) else tops
    tops = tops[np.argsort(power[tops])[::-1]]
    partials = frequency[tops]
    return {
        "tonal": float(power[wide].sum() / power.sum()),
        "lines": float(len(partials)),
        "loss": _loss(wave, partials[:4]),
        "bell": _family(partials, (0.5, 1.0, 1.2, 1.5, 2.0)),
        "bar": _family(partials, (1.0, 2.757, 5.404)),
    }


def _family(partials: Array, ratios: tuple[float, ...]) -> float:
    """How many of the ratios to one of the partials are there, within 1.2 %; the best partial counts."""
    if not len(partials):
        return 0.0
    return float(max(sum(np.abs(partials / (base * r) - 1).min() < 0.012 for r in ratios) for base in partials))


def _loss(wave: Array, partials: Array) -> float:
    """The median loss factor of the strongest lines: 2.2 / (f T60)."""
    found = []
    for frequency in partials:
        section = signal.butter(2, (frequency / 1.12, min(frequency * 1.12, 23_000)), "band", fs=RATE, output="sos")
        t60 = decay(signal.sosfilt(section, wave))
        if np.isfinite(t60):
            found.append(2.2 / (frequency * t60))
    return float(np.median(found)) if found else np.nan


def decay(wave: Array) -> float:
    """T60 in seconds after the loudest moment, by backward integration between -5 and -25 dB; NaN if it never falls."""
    after = (wave**2)[int(np.abs(wave).argmax()) :: 8]
    left = np.cumsum(after[::-1])[::-1]
    fall = 10 * np.log10(left / left[0] + 1e-12)
    inside = np.flatnonzero((fall < -5) & (fall > -25))
    if len(inside) < 4:
        return np.nan
    slope = np.polyfit(inside * 8 / RATE, fall[inside], 1)[0]
    return float(-60 / slope)


# ------------------------------------------------------------------------------------------------------------ onsets


def onset_times(samples: NDArray[np.floating], rise: float = 8.0) -> tuple[Array, Array]:
    """Seconds and levels (dB) of moments that rise by `rise` dB over the 50 ms before; 20 ms apart at least.

    The moment must stand out from what was 20 to 30 ms before it too, so that a sound that only begins counts once.
    """
    wave = np.asarray(samples, dtype=np.float64)
    wave = wave.mean(axis=1) if wave.ndim == 2 else wave
    hop = 120
    sharp = np.diff(np.concatenate((np.zeros(30 * hop), wave)))
    frames = sharp[: len(sharp) // hop * hop].reshape(-1, hop)
    power = ndimage.maximum_filter1d((frames**2).mean(axis=1), 8, origin=3)  # held for 20 ms: a low tone is one moment
    level = 10 * np.log10(power + power.max() * 1e-5 + 1e-20)
    before = np.convolve(level, np.concatenate((np.zeros(4), np.ones(20) / 20)), "full")[: len(level)]
    _, found = signal.find_peaks(np.concatenate((level, [-300.0])), plateau_size=1, distance=8)
    top = found["left_edges"][found["left_edges"] >= 24]
    just = np.max([level[top - lag] for lag in range(8, 13)], axis=0)
    strong = top[(level[top] - before[top] >= rise) & (level[top] - just >= 3) & (level[top] > level.max() - 40)]
    return (strong * hop - 30 * hop) / RATE, level[strong]


def _onsets(wave: Array) -> Figures:
    """How many a second, how regular (CV of intervals), whether they shrink, alternate and fade; the sharpest rise."""
    times, height = onset_times(wave)
    gaps = np.diff(times)
    enough = len(gaps) >= 2
    ratio = gaps[1:] / gaps[:-1] if enough else np.array([np.nan])
    return {
        "onsets": len(times) / (len(wave) / RATE),
        "count": float(len(times)),
        "irregular": float(gaps.std() / gaps.mean()) if enough else np.nan,
        "shrink": float(np.median(ratio)),
        "alternate": float(np.median(np.abs(np.log2(ratio)))),
        "fading": float(np.corrcoef(np.arange(len(height)), height)[0, 1])
        if len(height) >= 4 and height.std() > 0
        else np.nan,
        "attack": _attack(wave),
    }


def _attack(wave: Array) -> float:
    """Milliseconds from 10 % to 90 % of the highest 1 ms RMS."""
    rms = np.sqrt((wave[: len(wave) // 48 * 48].reshape(-1, 48) ** 2).mean(axis=1))
    top = int(rms.argmax())
    before = rms[: top + 1]
    ready = np.flatnonzero(before >= 0.9 * rms[top])
    quiet = np.flatnonzero(before < 0.1 * rms[top])
    start = quiet[-1] if len(quiet) else 0
    return float(ready[ready > start][0] - start) if len(ready[ready > start]) else 0.0


# ------------------------------------------------------------------------------------------------------------ course


def _course(wave: Array) -> Figures:
    """How it goes over time: decay, asymmetry, widths, humps, and whether brightness follows loudness or drifts."""
    short = levels(wave, 0.01)
    silence = [short.max() - FLOOR]
    step = np.diff(np.concatenate((silence, np.maximum(short, silence), silence)))
    smooth = signal.convolve(10 ** (levels(wave, 0.05) / 10), np.ones(6) / 6, "same")
    smooth = 10 * np.log10(np.maximum(smooth, smooth.max() * 1e-5))
    humps, _ = signal.find_peaks(np.concatenate(([-300.0], smooth, [-300.0])), prominence=4)
    return {
        "decay": decay(wave),
        "asymmetry": float((step**3).mean() / ((step**2).mean() ** 1.5 + 1e-9)),
        "regrowth": _regrowth(short),
        "width": float((smooth > smooth.max() - 6).sum() * 0.05),
        "humps": len(humps) / (len(wave) / RATE),
        "hills": float(len(humps)),
        **_brightness(wave),
    }


def _regrowth(level: Array) -> float:
    """The most dB that the level rises again after its top, while it is within 40 dB of it."""
    after = level[int(level.argmax()) :]
    after = np.maximum(after, level.max() - 40)
    return float((after - np.minimum.accumulate(after)).max())


def _brightness(wave: Array) -> Figures:
    """`rising`: correlation of level and centroid; `drift`: octaves the centroid moves, early energy against late."""
    wave = np.pad(wave, (0, 2048))
    frequency, _, spectrum = signal.stft(wave, RATE, nperseg=2048, noverlap=0, boundary=None, padded=True)
    heard = (frequency > 40) & (frequency < 16_000)
    power = np.abs(spectrum[heard]) ** 2
    total = power.sum(axis=0)
    loud = total > total.max() * 1e-4
    if loud.sum() < 4:
        return {"rising": np.nan, "drift": np.nan}
    centroid = (frequency[heard, None] * power).sum(axis=0)[loud] / total[loud]
    level = 10 * np.log10(total[loud])
    half = len(level) // 2

    def of(part: slice) -> float:
        return float((centroid[part] * total[loud][part]).sum() / total[loud][part].sum())

    same = level.std() < 1e-6 or centroid.std() < 1e-6
    return {
        "rising": 0.0 if same else float(np.corrcoef(level, np.log(centroid))[0, 1]),
        "drift": float(np.log2(of(slice(half, None)) / of(slice(0, half)))),
    }


# -------------------------------------------------------------------------------------------------------- modulation


def _modulation(wave: Array) -> Figures:
    """Where the envelope's power lies, how deep it goes, its strongest rhythm (0.5 to 25 Hz) and its roughness."""
    envelope = 10 ** (levels(wave, 0.01) / 20)
    swing = envelope - envelope.mean()
    power = np.abs(np.fft.rfft(swing * np.hanning(len(swing)))) ** 2
    frequency = np.fft.rfftfreq(len(swing), 0.01)
    total = power.sum() + 1e-20
    share = [power[(frequency >= a) & (frequency < b)].sum() / total for a, b in ((0, 1), (1, 4), (4, 12), (12, 51))]
    return {
        "slow": float(share[0]),
        "sway": float(share[1]),
        "flutter": float(share[2]),
        "rough": float(share[3]),
        "depth": float(envelope.std() / envelope.mean()),
        **_beat(wave),
        **_hum(wave),
    }


def _beat(wave: Array) -> Figures:
    """The strongest rhythm of the envelope and the height of its autocorrelation."""
    rms = np.sqrt((wave[: len(wave) // 240 * 240].reshape(-1, 240) ** 2).mean(axis=1))
    envelope = np.sqrt(rms) - np.sqrt(rms).mean()
    spectrum = np.abs(np.fft.rfft(envelope, 2 * len(envelope))) ** 2
    full = np.fft.irfft(spectrum)[: len(envelope)]
    full /= full[0] + 1e-20
    last = min(len(full) // 2, 400)
    below = np.flatnonzero(full[:last] < 0.1)
    first = max(int(below[0]) if len(below) else last, 8)
    tops, _ = signal.find_peaks(full[first:last])
    if not len(tops):
        return {"beat": np.nan, "pulse": 0.0}
    high = full[first + tops]
    best = first + tops[high >= high.max() - 0.1 * abs(high.max())][0]
    return {"beat": 200.0 / best, "pulse": float(full[best])}


def _hum(wave: Array) -> Figures:
    """The strongest line of the fine envelope, 15 to 400 Hz: `hum` in Hz, `buzz` in dB over its surroundings."""
    section = signal.butter(2, 150, "high", fs=RATE, output="sos")
    fine = np.sqrt((signal.sosfilt(section, wave)[: len(wave) // 48 * 48].reshape(-1, 48) ** 2).mean(axis=1))
    if len(fine) < 256:
        return {"hum": np.nan, "buzz": 0.0}
    frequency, power = signal.welch(fine - fine.mean(), 1000, nperseg=min(1024, len(fine)))
    around = signal.medfilt(power, 25)
    inside = np.flatnonzero((frequency > 15) & (frequency < 400))
    over = 10 * np.log10((power[inside] + 1e-20) / (around[inside] + 1e-20))
    return {"hum": float(frequency[inside[over.argmax()]]), "buzz": float(over.max())}


def _bands(wave: Array) -> Figures:
    """`common`: how much bands a third of an octave and more apart rise and fall together (mean correlation)."""
    wave = np.pad(wave, (0, 1024))
    frequency, _, spectrum = signal.stft(wave, RATE, nperseg=1024, noverlap=544, boundary=None)
    edges = np.geomspace(120, 12_000, 13)
    power = np.abs(spectrum) ** 2
    bands = np.stack([power[(frequency >= a) & (frequency < b)].sum(axis=0) for a, b in pairwise(edges)])
    loud = bands.mean(axis=1) > bands.mean(axis=1).max() * 1e-5
    bands = bands[loud] ** 0.15
    bands = bands[bands.std(axis=1) > 1e-12]
    if len(bands) < 2 or bands.shape[1] < 4:
        return {"common": np.nan}
    table = np.corrcoef(bands)
    return {"common": float(table[np.triu_indices(len(table), 2)].mean()) if len(table) > 2 else float(table[0, 1])}


def _tones(wave: Array) -> Figures:
    """`pure`: share of a frame's power within 100 Hz of its strongest tone; `glide`: how a struck tone rises."""
    wave = np.pad(wave, (0, 2048))
    frequency, _, spectrum = signal.stft(wave, RATE, nperseg=2048, noverlap=1024, boundary=None, padded=True)
    power = np.abs(spectrum[frequency > 100]) ** 2
    top = power.argmax(axis=0)
    near = np.abs(np.arange(len(power))[:, None] - top) <= 4
    weight = power.sum(axis=0)
    pure = float(((power * near).sum(axis=0) / (weight + 1e-20) * weight).sum() / weight.sum())
    return {"pure": pure, "glide": _glide(wave)}


def _glide(wave: Array) -> float:
    """The tone's frequency late (10 to 25 dB down) over early (0 to 6 dB down), minus 1."""
    start = int(np.abs(wave).argmax())
    part = wave[max(start - 96, 0) : start + RATE // 5]
    if len(part) < 960:
        return np.nan
    spectrum = np.abs(np.fft.rfft(part, RATE))
    peak = int(spectrum[100:12_000].argmax()) + 100
    section = signal.butter(2, (peak * 0.7, min(peak * 1.6, 20_000)), "band", fs=RATE, output="sos")
    tone = signal.hilbert(signal.sosfiltfilt(section, part))
    size = 20 * np.log10(np.abs(tone) + 1e-9)
    turn = np.diff(np.unwrap(np.angle(tone))) * RATE / (2 * np.pi)
    first = int(size.argmax())
    fallen = size.max() - size[first:-1]
    early, late = turn[first:][fallen < 6], turn[first:][(fallen > 10) & (fallen < 25)]
    return float(np.median(late) / np.median(early) - 1) if len(early) and len(late) else np.nan


# ------------------------------------------------------------------------------------------------------------- fakes


def _fakes(wave: Array) -> Figures:
    """Signs of tampering: `loop` (the same stretch again) and `splices` (joins at a regular spacing)."""
    return {"loop": _loop(wave), "splices": _splices(wave)}


def _loop(wave: Array) -> float:
    """The highest autocorrelation of the whitened sound at lags over 0.4 s; an exact loop comes near 1."""
    if len(wave) < 2 * RATE:
        return 0.0
    small = signal.decimate(wave, 4, ftype="fir")
    spectrum = np.fft.rfft(small, 2 * len(small))
    size = np.abs(spectrum)
    reach = int(200 / (RATE / 4) * 2 * len(small))
    mean = _around(size, reach) + size.max() * 1e-5
    flat = np.minimum(size / mean, 3.0)
    back = np.fft.irfft(flat**2)[: len(small)]
    first, last = int(0.4 * RATE / 4), int(len(small) * 0.6)
    weight = 1 - np.arange(len(small)) / len(small)  # an overlap shrinks with the lag
    return float((back[first:last] / weight[first:last]).max() / back[0])


def _around(values: Array, width: int) -> Array:
    """The mean of so many values around each, with zeros beyond the ends."""
    return np.asarray(ndimage.uniform_filter1d(values, width, mode="constant"))


def _splices(wave: Array) -> float:
    """How far the error of a linear prediction stands out at a fixed spacing of 5 to 60 ms, in standard deviations."""
    order = 32
    full = np.array([wave[lag:] @ wave[: len(wave) - lag] for lag in range(order + 1)])
    full[0] *= 1 + 1e-7
    weights = linalg.solve_toeplitz(full[:order], full[1:])
    error = np.abs(signal.lfilter(np.concatenate(([1.0], -weights)), 1, wave))
    local = _around(error, 481) + error.max() * 1e-6 + 1e-20
    fine = np.minimum(error / local, 8.0)
    fine = fine[: len(fine) // 12 * 12].reshape(-1, 12).mean(axis=1)  # quarters of a millisecond
    best, level, spread = 0.0, fine.mean(), fine.std()
    for spacing in range(20, 241):
        rows = len(fine) // spacing
        if rows >= 20:
            phase = fine[: rows * spacing].reshape(rows, spacing).mean(axis=0)
            best = max(best, float((phase.max() - level) / (spread / np.sqrt(rows))))
    return best
