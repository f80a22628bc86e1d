"""Words and bits of microphones to samples, against references in floating point."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from core_build import CORE, library, pointer

MSB_FIRST, LSB_FIRST, WORDS = range(3)
PLANS = [(order, cic, factor) for order in (3, 4, 5) for cic in (8, 16, 32, 64) for factor in (2, 4)]
RATE = 16000


# ---- Bits ----


class Pdm:
    """ts_pdm_t, and what it makes of bits (an array of 0 and 1)."""

    def __init__(self, order: int, cic: int, factor: int, bit_order: int = MSB_FIRST, gain: int = 256):
        self.state = np.zeros(100, np.uint64)
        self.decimation, self.bit_order = cic * factor, bit_order
        self.code = library().ts_pdm_init(pointer(self.state), order, cic, factor, bit_order, gain)

    def run(self, bits: np.ndarray, pieces: tuple[int, ...] = ()) -> np.ndarray:
        raw = np.packbits(bits, bitorder="little" if self.bit_order == LSB_FIRST else "big")
        if self.bit_order == WORDS:
            raw = raw.reshape(-1, 4)[:, ::-1].copy().reshape(-1)
        out = np.zeros(len(bits) // self.decimation + 1, np.int16)
        done = frames = 0
        for piece in (*pieces, len(raw)):
            size = min(piece, len(raw) - done)
            frames += library().ts_pdm_run_s16(pointer(self.state), pointer(raw, done),
                                               ctypes.c_size_t(size), pointer(out, 2 * frames))  # fmt: skip
            done += size
        assert frames == len(bits) // self.decimation
        return out[:frames]


def modulate(x: np.ndarray) -> np.ndarray:
    """Bits of a second-order sigma-delta modulator for x within -1 .. 1."""
    bits = np.zeros(len(x), np.uint8)
    first = second = 0.0
    for i, v in enumerate(x.tolist()):
        y = 1.0 if second >= 0 else -1.0
        first += v - y
        second += first - y
        bits[i] = y > 0
    return bits


def tone(hz: float, rate: float, n: int, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(n) / rate)


def sine_in(y: np.ndarray, hz: float, rate: float = RATE) -> tuple[float, float]:
    """(amplitude, SNR in dB) of a sine in y, fitted with an offset."""
    t = 2 * np.pi * hz * np.arange(len(y)) / rate
    basis = np.stack([np.sin(t), np.cos(t), np.ones(len(y))], axis=1)
    fit, *_ = np.linalg.lstsq(basis, y.astype(float), rcond=None)
    rest = y - basis @ fit
    amplitude = float(np.hypot(fit[0], fit[1]))
    return amplitude, float(10 * np.log10(amplitude**2 / 2 / np.mean(rest**2)))


def taps() -> tuple[np.ndarray, np.ndarray]:
    """(half-band, [factor, order] last filter), whole and of gain 1, as pdm_taps.py makes them."""
    sys.path.insert(0, str(CORE))
    try:
        import pdm_taps
    finally:
        sys.path.remove(str(CORE))
    half = np.zeros(4 * pdm_taps.HALF_TAPS - 1)
    for k, h in enumerate(pdm_taps.half_taps()):
        half[2 * pdm_taps.HALF_TAPS - 1 + np.array([2 * k + 1, -2 * k - 1])] = h / pdm_taps.ONE
    half[2 * pdm_taps.HALF_TAPS - 1] = 0.5
    last = np.array([[h + h[::-1] for order in pdm_taps.ORDERS
                      for h in [pdm_taps.last_taps(factor, order)]] for factor in pdm_taps.FACTORS])
    return half, last / pdm_taps.ONE


def reference(bits: np.ndarray, order: int, cic: int, factor: int) -> np.ndarray:
    """The same chain in doubles, without any rounding between."""
    kernel = np.ones(1)
    for _ in range(order):
        kernel = np.convolve(kernel, np.ones(cic) / cic)
    half, last = taps()
    settled = np.concatenate([np.tile([0, 1], 24 * cic * factor), bits]) * 2.0 - 1.0
    y = np.convolve(settled, kernel)[cic - 1 : len(settled) : cic] * 32768
    if factor == 4:
        y = np.convolve(y, half)[1 : len(y) : 2]
    y = np.convolve(y, last[factor // 4, order - 3])[1 : len(y) : 2]
    return y[48:]


@pytest.mark.parametrize(("order", "cic", "factor"), PLANS)
def test_any_bits_are_filtered_as_in_floating_point(order: int, cic: int, factor: int) -> None:
    bits = np.random.default_rng(order * cic * factor).integers(0, 2, 64 * cic * factor)
    wanted = reference(bits, order, cic, factor)
    got = Pdm(order, cic, factor).run(bits)
    assert np.abs(wanted).max() < 32768 and np.std(wanted) > 100
    # Half a step for each of the three roundings, the inner ones multiplied by the filters behind.
    assert np.abs(got - wanted).max() < 2.5


@pytest.mark.parametrize("bit_order", [MSB_FIRST, LSB_FIRST, WORDS])
def test_bits_in_any_order_and_any_pieces_are_the_same(bit_order: int) -> None:
    bits = np.random.default_rng(5).integers(0, 2, 64 * 100)
    for order in (3, 4, 5):
        wanted = Pdm(order, 16, 4).run(bits)
        step = 4 if bit_order == WORDS else 1
        pieces = tuple(step * n for n in (0, 1, 2, 3, 1, 7, 8, 9, 64, 1, 100))
        assert (Pdm(order, 16, 4, bit_order).run(bits, pieces) == wanted).all()


@pytest.mark.parametrize(("order", "cic", "factor"), PLANS)
def test_a_tone_of_1_khz_comes_out_as_clean_as_in_floating_point(order: int, cic: int, factor: int) -> None:
    """At -6 dB of full scale. What noise there is, the modulator and the plan have made."""
    decimation = cic * factor
    bits = modulate(tone(1000.0, RATE * decimation, 800 * decimation))
    amplitude, snr = sine_in(Pdm(order, cic, factor).run(bits)[100:], 1000.0)
    _, wanted = sine_in(reference(bits, order, cic, factor)[100:], 1000.0)
    print(f"order {order}, {cic} x {factor}: SNR {snr:.1f} dB, in doubles {wanted:.1f}")
    # Three roundings to 16 bits leave 89.7 dB of 92.1.
    assert snr > -10 * np.log10(10 ** (-wanted / 10) + 10**-8.97) - 1.5
    assert amplitude == pytest.approx(16384, rel=0.006)


def test_a_tone_into_the_16_bits_alone() -> None:
    """Bits of a modulator so fast that the filters' own rounding is all that remains."""
    bits = modulate(tone(1000.0, RATE * 256, 1600 * 256, 0.7))
    _, snr = sine_in(Pdm(5, 64, 4).run(bits)[100:], 1000.0)
    print(f"SNR {snr:.1f} dB")
    assert snr > 91


def gain_at(hz: np.ndarray, order: int, cic: int, factor: int) -> np.ndarray:
    """Amplitude at the output of tones at the input, by the filters' own taps."""
    half, last = taps()
    rate = RATE * cic * factor
    x = np.pi * hz / rate
    with np.errstate(invalid="ignore"):
        h = np.where(hz == 0, 1.0, (np.sin(cic * x) / (cic * np.sin(x))) ** order)
    for stage, at in ((half, rate / cic), (last[factor // 4, order - 3], 2 * RATE)):
        if stage is not half or factor == 4:
            phase = np.exp(-2j * np.pi * np.outer(hz, np.arange(len(stage))) / at)
            h = h * np.abs(phase @ stage)
    return np.abs(h)


@pytest.mark.parametrize(("order", "cic", "factor"), PLANS)
def test_pass_band_and_stop_band(order: int, cic: int, factor: int) -> None:
    """Flat to 7 kHz of 16; what lies above 9 kHz does not come back below 7."""
    flat = 20 * np.log10(gain_at(np.linspace(0, 7000, 701), order, cic, factor))
    assert flat.max() < 0.08 and flat.min() > -0.12
    stop = np.arange(9000.0, RATE * cic * factor / 2, 37.0)
    folded = np.abs((stop + RATE / 2) % RATE - RATE / 2)
    worst = 20 * np.log10(gain_at(stop, order, cic, factor)[folded < 7000].max())
    print(f"order {order}, {cic} x {factor}: {flat.min():+.3f} {flat.max():+.3f} dB, stop {worst:.1f} dB")
    assert worst < STOP_DB[order, factor]


# Behind a CIC whose output runs at twice the rate alone, the CIC decides.
STOP_DB = {(3, 2): -32, (4, 2): -43, (5, 2): -54, (3, 4): -54, (4, 4): -72, (5, 4): -74}


def test_tones_really_are_that_loud() -> None:
    """gain_at() on bits: a tone in the pass band, one in the stop band."""
    for hz, least, most in ((6500.0, 0.985, 1.015), (10000.0, 0.0, 0.002), (25000.0, 0.0, 0.002)):
        x = tone(hz, RATE * 128, 1000 * 128)
        y = Pdm(4, 32, 4).run(modulate(x))[100:]
        amplitude, _ = sine_in(y, hz)
        assert least <= amplitude / 16384 <= most, hz


def test_silence_is_zero_from_the_first_frame() -> None:
    y = Pdm(4, 16, 4).run(np.tile([0, 1], 64 * 50))
    assert np.abs(y).max() <= 1


def test_gain_is_taken_before_the_rounding_and_clipping_is_counted() -> None:
    x = modulate(tone(1000.0, RATE * 128, 600 * 128, 0.01))
    quiet, loud = Pdm(4, 32, 4), Pdm(4, 32, 4, gain=64 * 256)
    y = loud.run(x)[100:]
    assert sine_in(y, 1000.0)[0] == pytest.approx(0.64 * 32768, rel=0.006)
    assert sine_in(y, 1000.0)[1] > sine_in(quiet.run(x)[100:], 1000.0)[1]
    assert clipped(quiet) == clipped(loud) == 0
    too_loud = Pdm(4, 32, 4, gain=200 * 256)
    assert np.abs(too_loud.run(x)[100:].astype(int)).max() >= 32767
    assert clipped(too_loud) > 500


def clipped(p: Pdm) -> int:
    return int(p.state.view(np.uint32)[11])


def test_all_ones_and_all_zeros_are_full_scale() -> None:
    for bit, wanted in ((1, 32767), (0, -32768)):
        y = Pdm(5, 64, 4).run(np.full(256 * 100, bit))
        assert abs(int(y[-1]) - wanted) < 40    # the filters' gain at 0 Hz is within 0.1 %


@pytest.mark.parametrize("arguments", [
    (2, 16, 4, 0, 256), (6, 16, 4, 0, 256), (4, 4, 4, 0, 256), (4, 24, 4, 0, 256),
    (4, 128, 4, 0, 256), (4, 0, 4, 0, 256), (4, -8, 4, 0, 256), (4, 16, 1, 0, 256),
    (4, 16, 3, 0, 256), (4, 16, 4, 3, 256), (4, 16, 4, -1, 256), (4, 16, 4, 0, 0),
    (4, 16, 4, 0, 65536),
])  # fmt: skip
def test_impossible_plans_are_refused(arguments: tuple[int, ...]) -> None:
    assert Pdm(*arguments).code == -1


def test_the_table_is_what_its_generator_writes() -> None:
    made = subprocess.run([sys.executable, str(CORE / "pdm_taps.py")], capture_output=True, text=True,
                          check=True).stdout  # fmt: skip
    assert made == (CORE / "pdm_taps.h").read_text()


# ---- Words ----


def pcm(words: np.ndarray, *arguments: int, pieces: tuple[int, ...] = ()) -> tuple[np.ndarray, int]:
    """(samples, how many clipped) of words (n, channels)."""
    state = np.zeros(8, np.uint32)
    size, channels = words.dtype.itemsize, words.shape[1]
    assert library().ts_pcm_init(pointer(state), size, channels, *arguments) == 0
    out, done = np.zeros(len(words), np.int16), 0
    for piece in (*pieces, len(words)):
        n = min(piece, len(words) - done)
        library().ts_pcm_run_s16(pointer(state), pointer(words, done * size * channels),
                                 ctypes.c_size_t(n), pointer(out, 2 * done))  # fmt: skip
        done += n
    return out, int(state[2])


def halves_up(x: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(x + 0.5), -32768, 32767).astype(np.int16)


def test_words_of_24_bits_are_rounded_and_saturated() -> None:
    values = np.array([0, 1, 127, 128, 129, -127, -128, -129, 384, 0x7FFF7F, 0x7FFF80, 0x7FFFFF,
                       -0x800000, -0x7FFF80])  # fmt: skip
    words = (values << 8 | 0x5A).astype(np.int32)[:, None]     # the bus floats behind bit 24
    got, lost = pcm(words, 0, 0, 0, 0, 256)
    assert (got == halves_up(values / 256)).all()
    assert lost == 2    # 0x7FFF80 and above round to 32768
    assert got[0] == 0 and got[3] == 1 and got[6] == 0 and got[9] == 32767


@pytest.mark.parametrize("gain", [1, 128, 256, 257, 1024, 65535])
def test_gain_in_steps_of_a_256th(gain: int) -> None:
    values = np.random.default_rng(gain).integers(-(1 << 23), 1 << 23, 500)
    got, lost = pcm((values << 8).astype(np.int32)[:, None], 0, 0, 0, 0, gain)
    exact = values * gain / 65536
    assert (got == halves_up(exact)).all()
    assert lost == ((np.floor(exact + 0.5) > 32767) | (np.floor(exact + 0.5) < -32768)).sum()


def test_a_channel_is_picked_out() -> None:
    words = np.random.default_rng(2).integers(-(1 << 31), 1 << 31, (50, 3)).astype(np.int32)
    for channel in range(3):
        got, _ = pcm(words, channel, 0, 0, 0, 256)
        assert (got == halves_up((words[:, channel] >> 8) / 256)).all()


def test_words_of_16_bits_and_of_a_12_bit_converter() -> None:
    words = np.arange(-32768, 32768, 7).astype(np.int16)[:, None]
    assert (pcm(words, 0, 0, 0, 0, 256)[0] == words[:, 0]).all()
    converted = np.arange(4096).astype(np.int16)[:, None]
    got, _ = pcm(converted, 0, 4, 1, 0, 256)
    assert (got == (np.arange(4096) - 2048) * 16).all()
    unsigned = np.arange(0, 65536, 13).astype(np.uint16).view(np.int16)[:, None]
    assert (pcm(unsigned, 0, 0, 1, 0, 256)[0] == np.arange(0, 65536, 13) - 32768).all()


def test_words_whose_first_bit_came_late() -> None:
    """The bit above the uppermost is lost; below half of full scale it equals the next one."""
    values = np.random.default_rng(3).integers(-(1 << 22), 1 << 22, 300)
    shifted = (values << 9).astype(np.int64).astype(np.int32)[:, None]
    assert (pcm(shifted, 0, -1, 0, 0, 256)[0] == halves_up(values / 256)).all()


@pytest.mark.parametrize("dc_shift", [1, 6, 7, 9, 15])
def test_the_offset_goes_as_a_one_pole_high_pass_takes_it(dc_shift: int) -> None:
    rng = np.random.default_rng(dc_shift)
    values = rng.integers(-(1 << 22), 1 << 22, 4000) + (1 << 22)
    got, _ = pcm((values << 8).astype(np.int32)[:, None], 0, 0, 0, dc_shift, 256)
    mean, wanted = float(values[0]), []
    for v in values:
        wanted.append((v - mean) / 256)
        mean += (v - mean) / (1 << dc_shift)
    assert np.abs(got - np.clip(wanted, -32768, 32767)).max() < 0.6 + 2.0 ** (dc_shift - 15)


def test_a_constant_is_nothing_from_the_first_sample() -> None:
    words = np.full((3000, 1), 0x12345600, np.int32)
    assert (pcm(words, 0, 0, 0, 7, 256)[0] == 0).all()


def test_extremes_do_not_overflow() -> None:
    square = np.where(np.arange(20000) // 300 % 2, 0x7FFFFFFF, -0x80000000).astype(np.int32)[:, None]
    for dc_shift in (1, 7, 15):
        got, _ = pcm(square, 0, 0, 0, dc_shift, 256)
        assert (np.sign(got[300::300]) == np.sign(square[300::300, 0])).all()


def test_block_borders_do_not_show() -> None:
    words = np.random.default_rng(8).integers(-(1 << 31), 1 << 31, (500, 2)).astype(np.int32)
    whole, lost = pcm(words, 1, 0, 0, 7, 300)
    parts, lost_too = pcm(words, 1, 0, 0, 7, 300, pieces=(1, 0, 2, 100, 3, 1, 250))
    assert (whole == parts).all() and lost == lost_too > 0


def test_samples_may_be_worked_on_where_they_lie() -> None:
    samples = np.random.default_rng(9).integers(-30000, 30000, (400, 1)).astype(np.int16)
    wanted, _ = pcm(samples, 0, 0, 0, 6, 200)
    state = np.zeros(8, np.uint32)
    assert library().ts_pcm_init(pointer(state), 2, 1, 0, 0, 0, 6, 200) == 0
    library().ts_pcm_run_s16(pointer(state), pointer(samples), ctypes.c_size_t(400), pointer(samples))
    assert (samples[:, 0] == wanted).all()


@pytest.mark.parametrize("arguments", [
    (3, 1, 0, 0, 0, 0, 256), (1, 1, 0, 0, 0, 0, 256), (4, 0, 0, 0, 0, 0, 256),
    (4, 17, 0, 0, 0, 0, 256), (4, 2, 2, 0, 0, 0, 256), (4, 2, -1, 0, 0, 0, 256),
    (4, 1, 0, 17, 0, 0, 256), (4, 1, 0, -17, 0, 0, 256), (4, 1, 0, 0, 0, -1, 256),
    (4, 1, 0, 0, 0, 16, 256), (4, 1, 0, 0, 0, 0, 0), (4, 1, 0, 0, 0, 0, 65536),
])  # fmt: skip
def test_impossible_words_are_refused(arguments: tuple[int, ...]) -> None:
    state = np.zeros(8, np.uint32)
    assert library().ts_pcm_init(pointer(state), *arguments) == -1


# ---- Real audio through a modulator and back ----

SPEECH = Path(__file__).resolve().parents[3] / "shared" / "data" / "audio_speech_commands"


def speech() -> list[Path]:
    return sorted(SPEECH.glob("[a-z]*/*.wav"))[::7][:4]


@pytest.mark.skipif(not speech(), reason="no recordings in shared/data/audio_speech_commands")
def test_speech_survives_modulation() -> None:
    """Recorded words as bits at 2.048 MHz: what comes out is the recording, 18 frames later."""
    order, cic, factor = 4, 32, 4
    delay = order * (cic - 1) // 2 + 7 * cic + 63 * cic * factor // 4    # bits; of the three filters
    for path in speech():
        x = loudest_half_second(path)
        fine = band_limited(x * (16000 / np.abs(x).max()), cic * factor)
        y = Pdm(order, cic, factor).run(modulate(fine / 32768)).astype(float)
        at = np.arange(1, len(y) + 1) * cic * factor - 1 - delay
        wanted, got = fine[at[100:]], y[100:]
        snr = 10 * np.log10(np.mean(wanted**2) / np.mean((got - wanted) ** 2))
        correlation = np.corrcoef(got, wanted)[0, 1]
        print(f"{path.name}: SNR {snr:.1f} dB, correlation {correlation:.6f}")
        assert snr > 40 and correlation > 0.9999


def loudest_half_second(path: Path) -> np.ndarray:
    with wave.open(str(path)) as f:
        assert f.getframerate() == RATE
        x = np.frombuffer(f.readframes(f.getnframes()), np.int16).astype(float)
    loud = np.convolve(x**2, np.ones(RATE // 2), "valid")
    return x[int(np.argmax(loud)) :][: RATE // 2]


def band_limited(x: np.ndarray, factor: int) -> np.ndarray:
    """x at `factor` times the rate, without what lies above 6.9 kHz."""
    spectrum = np.fft.rfft(x)
    spectrum[np.fft.rfftfreq(len(x), 1 / RATE) > 6900] = 0
    return np.fft.irfft(np.concatenate([spectrum, np.zeros((factor - 1) * len(x) // 2)]),
                        len(x) * factor) * factor  # fmt: skip
