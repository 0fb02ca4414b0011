"""Draw scenes: flat shapes on a grey gradient, 32x32 RGB, or in a style unseen in training."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .world import Scene

SIDE = 32
_OVER = 4  # scenes are drawn at four times the size and averaged down, for smooth edges
_RGB = {
    "red": (220, 40, 40),
    "green": (40, 165, 60),
    "blue": (45, 75, 220),
    "yellow": (235, 215, 50),
    "purple": (150, 50, 190),
    "cyan": (50, 200, 210),
}
_RADIUS = {1: {"small": 6.0, "large": 10.5}, 2: {"small": 4.2, "large": 6.8}}
_SLOTS = {
    "": [(16.0, 16.0)],
    "left of": [(8.5, 16.0), (23.5, 16.0)],
    "above": [(16.0, 8.5), (16.0, 23.5)],
}


@dataclass(frozen=True)
class Style:
    """How a scene is drawn; lengths in pixels, `tint` and `wobble` in grey levels, of 255.

    `offset`: largest distance of a single thing from the middle (for two things half of it, at most
    1.2). `turn`: rotation, ± degrees. `tint`: change of each channel of the background, ±.
    `wobble`: change of the things' colours, ±. `outline`: width of a dark line around each thing.
    """

    offset: float = 2.5
    turn: float = 0.0
    tint: float = 0.0
    wobble: float = 12.0
    outline: float = 0.0


PLAIN = Style()
SHIFTED = Style(offset=4.0, turn=25.0, tint=40.0, wobble=30.0, outline=0.8)
"""Not used in training: rotated, outlined things off the middle, on tinted backgrounds."""


def draw(scene: Scene, rng: np.random.Generator, style: Style = PLAIN) -> Image.Image:
    """Draw `scene` as an RGB image of `SIDE` x `SIDE`; `rng` chooses positions and shades."""
    canvas = Image.fromarray(_background(rng, style.tint))
    pen = ImageDraw.Draw(canvas)
    reach = style.offset if len(scene.things) == 1 else min(1.2, style.offset / 2)
    for thing, slot in zip(scene.things, _SLOTS[scene.relation], strict=True):
        radius = _RADIUS[len(scene.things)][thing.size] * (1 + rng.uniform(-0.07, 0.07))
        centre = np.array(slot) + rng.uniform(-reach, reach, 2)
        angle = math.radians(style.turn) * rng.uniform(-1, 1)
        paint = np.array(_RGB[thing.colour]) + rng.uniform(-style.wobble, style.wobble, 3)
        behind = canvas.copy()
        for points, fill in _polygons(thing.shape):
            where = _OVER * (centre + radius * _turned(points, angle))
            corners = [tuple(point) for point in where]
            if fill:
                pen.polygon(corners, fill=_rgb(paint))
            else:
                hole = Image.new("L", canvas.size)
                ImageDraw.Draw(hole).polygon(corners, fill=255)
                canvas.paste(behind, mask=hole)
            if style.outline:
                width = round(_OVER * style.outline)
                pen.line([*corners, corners[0]], fill=(30, 30, 30), width=width, joint="curve")
    return canvas.resize((SIDE, SIDE), Image.Resampling.BOX)


def _background(rng: np.random.Generator, tint: float) -> np.ndarray:
    """A grey gradient in a random direction, uint8 `(height, width, 3)` at the drawing size."""
    size = SIDE * _OVER
    angle, level, slope = rng.uniform(0, 2 * math.pi), rng.uniform(95, 165), rng.uniform(0, 35)
    along = np.linspace(-1, 1, size)
    ramp = level + slope * (math.cos(angle) * along[None, :] + math.sin(angle) * along[:, None])
    channels = ramp[..., None] + rng.uniform(-tint, tint, 3)
    return np.clip(channels, 0, 255).astype(np.uint8)


def _rgb(values: np.ndarray) -> tuple[int, ...]:
    return tuple(int(value) for value in np.clip(values, 0, 255))


def _turned(points: np.ndarray, angle: float) -> np.ndarray:
    cos, sin = math.cos(angle), math.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


def _polygons(shape: str) -> list[tuple[np.ndarray, bool]]:
    """Outlines `(point, 2)` within the unit circle, and whether each is filled or a hole."""
    return _OUTLINES[shape]


def _circle(radius: float) -> np.ndarray:
    angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _heart() -> np.ndarray:
    t = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.stack([x, y], axis=1) / 17


_ARM = 0.36  # half the width of a cross's arm
_CROSS = [
    *((-_ARM, -1), (_ARM, -1), (_ARM, -_ARM), (1, -_ARM), (1, _ARM), (_ARM, _ARM)),
    *((_ARM, 1), (-_ARM, 1), (-_ARM, _ARM), (-1, _ARM), (-1, -_ARM), (-_ARM, -_ARM)),
]
_OUTLINES = {
    "circle": [(_circle(1.0), True)],
    "square": [(0.88 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]), True)],
    "triangle": [(np.array([(0, -1.0), (0.98, 0.8), (-0.98, 0.8)]), True)],
    "cross": [(np.array(_CROSS), True)],
    "ring": [(_circle(1.0), True), (_circle(0.52), False)],
    "heart": [(_heart(), True)],
}
