"""Houses seen at an angle: a gabled front, a side wall, a roof, a garden."""

from __future__ import annotations

from dataclasses import dataclass

from app.demo.backdrop import Sky, cast_shadow, grass_tufts, paint_hills, paint_meadow, paint_sky
from app.demo.canvas import Canvas, Paint, Point, curve
from app.demo.colour import RGB, Light, brighten, mix, vary
from app.demo.plants import AUTUMN, GREENS, draw_bush, draw_conifer, draw_tree

WALLS: tuple[RGB, ...] = (
    (236, 226, 206),
    (196, 88, 66),
    (150, 176, 190),
    (226, 190, 120),
    (172, 160, 146),
    (240, 240, 238),
    (140, 160, 124),
)
ROOFS: tuple[RGB, ...] = ((150, 66, 50), (78, 80, 90), (112, 80, 60), (64, 84, 86), (176, 98, 66))
LAWNS: tuple[RGB, ...] = ((104, 142, 66), (130, 150, 70), (148, 146, 80), (84, 128, 74), (176, 160, 90))
WARM: RGB = (255, 206, 110)


@dataclass(frozen=True, slots=True)
class Plan:
    """Proportions of one house, in pixels; ``turn`` is 1 where the side wall lies to the right."""

    foot: Point
    front: float
    side: float
    wall: float
    gable: float
    turn: int
    floors: int

    def at(self, across: float, up: float) -> Point:
        """A point of the front: 0..1 across, 0..1 up the wall."""
        return self.foot[0] + self.turn * (across * self.front), self.foot[1] - up * self.wall

    def beside(self, across: float, up: float) -> Point:
        """A point of the side wall, which recedes."""
        lift = across * self.side * 0.16
        x = self.foot[0] + self.turn * (self.front + across * self.side)
        return x, self.foot[1] - lift - up * (self.wall - lift * 0.55)


def draw(canvas: Canvas, light: Light) -> None:
    rng = canvas.rng
    sky = paint_sky(canvas, light, canvas.height * rng.uniform(0.42, 0.68))
    if rng.random() < 0.7:
        paint_hills(canvas, sky, (86, 110, 84), rng.randint(1, 3), canvas.height * rng.uniform(0.08, 0.26))
    lawn = rng.choice(LAWNS)
    paint_meadow(canvas, sky, lawn, sky.horizon, canvas.height * 0.03)
    _trees_behind(canvas, sky)
    canvas.blur(rng.choice((0.0, 0.9, 1.8)))
    plan = _plan(canvas, sky)
    _path(canvas, sky, plan)
    draw_house(canvas, sky, plan)
    _garden(canvas, sky, plan, lawn)


def _plan(canvas: Canvas, sky: Sky) -> Plan:
    rng = canvas.rng
    size = min(canvas.width, canvas.height * 1.1)
    front, side = size * rng.uniform(0.22, 0.36), size * rng.uniform(0.24, 0.4)
    turn, floors = rng.choice((-1, 1)), rng.choice((1, 1, 2))
    wall = size * (0.16 if floors == 1 else 0.3) * rng.uniform(0.9, 1.2)
    middle = canvas.width * rng.uniform(0.42, 0.58)
    foot = (middle - turn * (front + side) / 2, canvas.height * rng.uniform(0.76, 0.88))
    return Plan(foot, front, side, wall, size * rng.uniform(0.14, 0.24), turn, floors)


def _trees_behind(canvas: Canvas, sky: Sky) -> None:
    rng = canvas.rng
    colours = rng.choice((GREENS, GREENS, AUTUMN))
    for _ in range(rng.randint(1, 4)):
        foot = (rng.uniform(0, canvas.width), sky.horizon + canvas.height * rng.uniform(0.03, 0.1))
        if rng.random() < 0.5:
            draw_tree(canvas, sky, foot, canvas.height * rng.uniform(0.25, 0.45), colours)
        else:
            draw_conifer(canvas, sky, foot, canvas.height * rng.uniform(0.25, 0.5), (52, 92, 70))


def draw_house(canvas: Canvas, sky: Sky, plan: Plan) -> None:
    rng, light = canvas.rng, sky.light
    wall, roof = vary(rng.choice(WALLS), rng, 14), vary(rng.choice(ROOFS), rng, 12)
    cast_shadow(
        canvas,
        sky,
        (plan.at(0.5, 0)[0] + plan.turn * plan.side / 2, plan.foot[1] - 2),
        plan.front + plan.side,
        plan.wall * 0.9,
    )
    front_lit = (sky.sun[0] - 0.5) * plan.turn < 0
    bright, dark = light.lit(wall), light.dim(wall, 0.7)
    faces = (bright, dark) if front_lit else (dark, bright)
    peak = plan.at(0.5, 1 + plan.gable / plan.wall)
    ridge_end = (peak[0] + plan.turn * plan.side, peak[1] - plan.side * 0.03)
    _chimney(canvas, sky, peak, ridge_end)
    side = [plan.beside(0, 0), plan.beside(1, 0), plan.beside(1, 1), plan.beside(0, 1)]
    canvas.fill(side, Paint((faces[1], brighten(faces[1], 0.82)), texture=0.2, grain=2.5, stretch=4))
    front = [plan.at(0, 0), plan.at(1, 0), plan.at(1, 1), peak, plan.at(0, 1)]
    canvas.fill(front, Paint((faces[0], brighten(faces[0], 0.84)), texture=0.2, grain=2.5, stretch=4))
    _roof(canvas, sky, plan, roof, peak, ridge_end)
    _openings(canvas, sky, plan)


def _roof(canvas: Canvas, sky: Sky, plan: Plan, colour: RGB, peak: Point, ridge_end: Point) -> None:
    light = sky.light
    out = plan.front * 0.09
    eaves = (plan.at(1, 1)[0] + plan.turn * out, plan.at(1, 1)[1] + out * 0.9)
    far = (plan.beside(1, 1)[0] + plan.turn * out * 0.7, plan.beside(1, 1)[1] + out * 0.6)
    slope = [(peak[0], peak[1] - out * 0.5), (ridge_end[0], ridge_end[1] - out * 0.4), far, eaves]
    bright = light.lit(brighten(colour, 1.1)) if (sky.sun[0] - 0.5) * plan.turn > 0 else light.dim(colour, 0.4)
    canvas.fill(slope, Paint((bright, brighten(bright, 0.75)), texture=0.3, grain=5, stretch=3))
    for row in range(1, 8):
        share = row / 8
        start = (
            slope[0][0] + (eaves[0] - slope[0][0]) * share,
            slope[0][1] + (eaves[1] - slope[0][1]) * share,
        )
        end = (slope[1][0] + (far[0] - slope[1][0]) * share, slope[1][1] + (far[1] - slope[1][1]) * share)
        canvas.line([start, end], brighten(bright, 0.72), 0.7)
    left = (plan.at(0, 1)[0] - plan.turn * out, plan.at(0, 1)[1] + out * 0.9)
    edge = light.lit(mix(colour, (250, 246, 236), 0.75))
    canvas.line([left, (peak[0], peak[1] - out * 0.5), eaves], edge, plan.front * 0.04)
    canvas.soft([plan.at(1, 1), plan.beside(1, 1), plan.beside(1, 0.86), plan.at(1, 0.84)], light.shadow, 0.4, 2)


def _chimney(canvas: Canvas, sky: Sky, peak: Point, ridge_end: Point) -> None:
    rng = canvas.rng
    share, wide = rng.uniform(0.35, 0.8), abs(ridge_end[0] - peak[0]) * 0.09
    x, y = peak[0] + (ridge_end[0] - peak[0]) * share, peak[1] + 6
    tall = abs(ridge_end[0] - peak[0]) * 0.2 + 8
    brick = sky.light.lit((154, 84, 66))
    canvas.fill(
        [(x - wide, y), (x + wide, y), (x + wide, y - tall), (x - wide, y - tall)],
        Paint((brighten(brick, 1.1), brighten(brick, 0.6)), angle=0, texture=0.3, grain=6),
    )
    if rng.random() < 0.5:
        drift = rng.uniform(-1, 1)
        for puff in range(6):
            r = wide * (0.8 + 0.5 * puff)
            px, py = x + drift * puff * wide * 1.6, y - tall - puff * wide * 1.9
            canvas.soft_oval((px - r, py - r, px + r, py + r), sky.light.cloud_light, 0.32 - 0.04 * puff, r * 0.5)


def _openings(canvas: Canvas, sky: Sky, plan: Plan) -> None:
    rng = canvas.rng
    glowing = sky.light.darkness > 0.1 or rng.random() < 0.15
    rise = 1 / plan.floors
    door = rng.choice(((120, 50, 44), (50, 74, 96), (70, 96, 70), (96, 66, 44)))
    _panel(
        canvas,
        sky,
        [plan.at(0.4, 0), plan.at(0.6, 0), plan.at(0.6, 0.62 * rise), plan.at(0.4, 0.62 * rise)],
        door,
    )
    for floor in range(plan.floors):
        low, high = (floor + 0.32) * rise, (floor + 0.74) * rise
        for left in (0.1, 0.7) if floor == 0 else (0.1, 0.4, 0.7):
            _window(
                canvas,
                sky,
                [
                    plan.at(left, low),
                    plan.at(left + 0.2, low),
                    plan.at(left + 0.2, high),
                    plan.at(left, high),
                ],
                glowing,
            )
        for left in (0.14, 0.42, 0.7):
            _window(
                canvas,
                sky,
                [
                    plan.beside(left, low),
                    plan.beside(left + 0.16, low),
                    plan.beside(left + 0.16, high),
                    plan.beside(left, high),
                ],
                glowing,
            )
    attic = 1 + plan.gable / plan.wall * 0.22
    _window(
        canvas,
        sky,
        [
            plan.at(0.42, attic),
            plan.at(0.58, attic),
            plan.at(0.58, attic + 0.22 * rise),
            plan.at(0.42, attic + 0.22 * rise),
        ],
        glowing,
    )


def _panel(canvas: Canvas, sky: Sky, corners: list[Point], colour: RGB) -> None:
    canvas.fill(corners, Paint((sky.light.lit(brighten(colour, 1.2)), sky.light.dim(colour))))
    canvas.line([*corners, corners[0]], sky.light.lit((238, 232, 220)), 1.4)


def _window(canvas: Canvas, sky: Sky, corners: list[Point], glowing: bool) -> None:
    glass = (mix(sky.light.sky[1], (60, 76, 92), 0.5), (38, 48, 62))
    lamp = (mix(WARM, (255, 250, 220), 0.4), brighten(WARM, 0.86))
    canvas.fill(corners, Paint(lamp if glowing and canvas.rng.random() < 0.85 else glass, angle=60))
    frame = sky.light.lit((244, 240, 232))
    canvas.line([*corners, corners[0]], frame, 1.5)
    a, b, c, d = corners
    canvas.line([((a[0] + b[0]) / 2, (a[1] + b[1]) / 2), ((c[0] + d[0]) / 2, (c[1] + d[1]) / 2)], frame, 0.9)
    canvas.line([((a[0] + d[0]) / 2, (a[1] + d[1]) / 2), ((b[0] + c[0]) / 2, (b[1] + c[1]) / 2)], frame, 0.9)


def _path(canvas: Canvas, sky: Sky, plan: Plan) -> None:
    start, other = plan.at(0.38, 0), plan.at(0.62, 0)
    end = canvas.width * canvas.rng.uniform(0.2, 0.8)
    wide = canvas.width * 0.1
    left = curve(start, (start[0], canvas.height * 0.92), (end - wide, canvas.height + 4.0))
    right = curve((end + wide, canvas.height + 4.0), (other[0], canvas.height * 0.92), other)
    stone = (206, 188, 158)
    canvas.fill(left + right, Paint((sky.light.dim(stone, 0.3), sky.light.lit(stone)), texture=0.35, grain=3))


def _garden(canvas: Canvas, sky: Sky, plan: Plan, lawn: RGB) -> None:
    rng = canvas.rng
    colours = rng.choice((GREENS, GREENS, ((196, 96, 120), (90, 130, 70), (220, 160, 170))))
    for _ in range(rng.randint(2, 5)):
        across = rng.choice((rng.uniform(-0.3, 0.3), rng.uniform(0.75, 1.0)))
        x, y = plan.at(across, 0)
        draw_bush(canvas, sky, (x, y + 3), canvas.height * rng.uniform(0.03, 0.06), colours)
    if rng.random() < 0.35:
        edge = rng.choice((0.02, 0.98)) * canvas.width
        draw_tree(canvas, sky, (edge, canvas.height * 0.95), canvas.height * rng.uniform(0.6, 0.9))
    grass_tufts(canvas, sky.light.lit(lawn), canvas.height * 0.9, 90, canvas.height * 0.03)
