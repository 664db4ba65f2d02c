"""Pages as people have them: strokes drawn here, with light, frames, lines and specks around them."""

import io
import struct

import effort
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from fastnet import load_mnist, load_pretrained
from fastnet.images import NoDigitError, find_digits, load_digit, prepare

# The strokes of digits, as points in a box of 1 x 1: what a pen would do.
STROKES = {
    1: [[(0.5, 0.0), (0.5, 1.0)]],
    2: [[(0.1, 0.25), (0.25, 0.03), (0.6, 0.0), (0.8, 0.2), (0.7, 0.5), (0.05, 1.0), (0.9, 1.0)]],
    4: [[(0.6, 0.0), (0.1, 0.65), (0.95, 0.65)], [(0.65, 0.35), (0.65, 1.0)]],
    5: [[(0.2, 0.0), (0.15, 0.45), (0.6, 0.4), (0.85, 0.65), (0.7, 0.95), (0.1, 1.0)], [(0.2, 0.0), (0.85, 0.0)]],
    7: [[(0.05, 0.0), (0.9, 0.0), (0.4, 1.0)]],
}


def draw(page, digit, left, top, height, ink=30, width=6, gap=0):
    """Draw a digit; `gap` moves its second stroke up, so that it no longer touches the first."""
    for place, stroke in enumerate(STROKES[digit]):
        points = [(left + 0.7 * height * x, top + height * y - gap * place) for x, y in stroke]
        ImageDraw.Draw(page).line(points, fill=ink, width=width, joint="curve")
    return page


def blank(width=240, height=240, shade=235):
    return Image.new("L", (width, height), shade)


def page(digit=2, **options):
    return draw(blank(), digit, 80, 60, 120, **options)


@pytest.fixture(scope="module")
def answer():
    """What the network that comes with fastnet reads."""
    network = load_pretrained()
    return lambda pixels: int(network.predict(pixels.reshape(1, 1, 28, 28)).argmax())


def shaded(image):
    rows, columns = np.mgrid[0:1:240j, 0:1:240j]
    light = 0.55 + 0.45 * columns - 0.2 * rows  # from one side
    light[columns + rows > 1.1] *= 0.75  # and the shadow of a hand, with an edge
    return Image.fromarray((np.asarray(image) * light.clip(0, 1)).astype(np.uint8))


def framed(image):
    ImageDraw.Draw(image).rectangle((6, 6, 233, 233), outline=0, width=4)
    return image


def ruled(image):
    for y in range(25, 240, 45):
        ImageDraw.Draw(image).line((0, y, 240, y + 1), fill=60, width=2)
    return image


def on_grid_paper(image):
    for place in range(10, 240, 30):
        ImageDraw.Draw(image).line((0, place, 240, place), fill=190)
        ImageDraw.Draw(image).line((place, 0, place, 240), fill=190)
    return image


def specked(image):
    for x, y in [(20, 30), (210, 60), (40, 200), (180, 215)]:
        ImageDraw.Draw(image).ellipse((x, y, x + 4, y + 4), fill=20)
    return image


def with_axes(image):
    ImageDraw.Draw(image).line([(20, 5), (20, 222), (235, 222)], fill=0, width=2)
    for place in range(30, 230, 40):
        ImageDraw.Draw(image).text((place, 226), "10", fill=0)
        ImageDraw.Draw(image).text((4, place - 10), "10", fill=0)
    return image


def on_a_desk(image):
    desk = blank(400, 320, 90)
    desk.paste(image, (70, 40))
    return desk


def in_a_frame_that_it_touches(image):
    cut = image.crop((50, 40, 157, 200))  # the digit reaches the right side
    ImageDraw.Draw(cut).rectangle((0, 0, *(side - 1 for side in cut.size)), outline=30, width=3)
    return cut


def light_on_a_dark_plot(image):
    plot = blank(340, 340, 255)
    plot.paste(Image.eval(image, lambda shade: 255 - shade), (60, 40))
    for place in range(30, 240, 40):
        ImageDraw.Draw(plot).line((54, 40 + place, 60, 40 + place), fill=0, width=2)  # ticks
        ImageDraw.Draw(plot).text((30, 35 + place), "10", fill=0)
    return plot


def cut_out_tightly(image):
    return image.crop((78, 55, 182, 185))


def by_a_rough_marker(image):
    pixels = np.asarray(image).copy()
    gaps = np.random.default_rng(0).random((60, 60)) < 0.12
    pixels[np.kron(gaps, np.ones((4, 4), bool))] = 235
    return Image.fromarray(pixels)


AROUND = {
    "shadows": shaded, "a frame": framed, "ruled lines": ruled, "grid paper": on_grid_paper, "specks": specked,
    "shadows on ruled paper": lambda image: shaded(ruled(image)), "the axes of a plot": with_axes,
    "the edges of the sheet": on_a_desk,
    "a frame that it touches": in_a_frame_that_it_touches, "a dark plot": light_on_a_dark_plot,
    "no margin": cut_out_tightly,
    "the blur of a camera": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
}  # fmt: skip


@pytest.mark.parametrize("digit", [2, 5, 7])
@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND.keys())
def test_what_is_around_a_digit_is_no_ink(answer, digit, around):
    pixels = load_page(around(page(digit)))
    assert answer(pixels) == digit
    # 0.95 of it is where the digit without anything around it has ink: a frame or a shadow would shrink and move it.
    assert np.corrcoef(pixels, load_page(page(digit)))[0, 1] > 0.85


def load_page(image):
    return prepare(np.asarray(image))


@pytest.mark.parametrize("inverted", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("width", [1, 2, 6, 14])
def test_strokes_of_any_width_become_as_wide_as_those_of_mnist(answer, width, inverted):
    pixels = np.asarray(page(2, width=width))
    pixels = prepare(255 - pixels if inverted else pixels)
    assert answer(pixels) == 2
    assert pixels.max() > 0.95  # it does not fade
    assert 50 < pixels.sum() < 170  # of 784: a 2 of MNIST has 117 in the mean


def test_every_image_of_mnist_is_returned_bit_for_bit(mnist):
    (x_train, _), (x_test, _) = load_mnist(normalize=False, flatten=False)
    (normal_train, _), (normal_test, _) = mnist
    assert prepare(x_test[:, 0]).tobytes() == np.ascontiguousarray(normal_test, np.float32).tobytes()
    some = effort.thinned(list(range(60_000)), 0.05)
    assert prepare(x_train[some, 0]).tobytes() == np.ascontiguousarray(normal_train[some], np.float32).tobytes()


def test_mnist_in_png_files_is_returned_bit_for_bit(mnist, tmp_path):
    _, (x, _) = load_mnist(normalize=False, flatten=False)
    _, (normal, _) = mnist
    paths = [tmp_path / f"{i}.png" for i in range(20)]
    for path, image in zip(paths, x[:, 0], strict=False):
        Image.fromarray(image).save(path)
    assert prepare(paths).tobytes() == np.asarray(normal[:20], np.float32).tobytes()


def test_a_list_and_a_stack_give_what_their_pictures_give():
    pages = np.stack([np.asarray(page(digit)) for digit in (2, 5, 7)])
    one_by_one = np.stack([prepare(each) for each in pages])
    assert (prepare(pages) == one_by_one).all()
    assert (prepare(list(pages)) == one_by_one).all()
    assert prepare([]).shape == (0, 784)


def test_a_scan_of_8_x_8_is_enlarged(answer):
    small = page(7, width=14).crop((60, 45, 190, 195)).resize((8, 8), Image.Resampling.BOX)
    assert answer(load_page(small)) == 7


def test_the_gaps_of_a_rough_marker_are_not_the_hands(answer):
    assert answer(load_page(by_a_rough_marker(page(5, width=22)))) == 5


def test_a_panel_in_a_picture_keeps_the_boxes_in_the_picture():
    (digit,) = find_digits(np.asarray(light_on_a_dark_plot(page(7))))
    assert np.abs(np.subtract(digit.box, (60 + 84, 40 + 60, 60 + 156, 40 + 180))).max() <= 6


@pytest.mark.parametrize("inverted", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("digit", [2, 4, 5, 7])
@pytest.mark.parametrize("size", [28, 45, 64])
def test_a_tiny_picture_that_is_cut_at_the_strokes_is_read_as_with_paper_around_it(answer, size, digit, inverted):
    tight = np.array(draw(blank(round(0.7 * size), size, 255), digit, 0, 0, size - 1, width=1 + size // 30))
    tight = 255 - tight if inverted else tight
    found = find_digits(tight)
    assert [answer(each.pixels) for each in found] == [digit]
    left, top, right, bottom = found[0].box
    assert (left, top, right, bottom) == pytest.approx((0, 0, tight.shape[1], size), abs=0.12 * size)
    assert left >= 0
    assert top >= 0
    assert right <= tight.shape[1]
    assert bottom <= size
    margin = np.pad(tight, size // 4, constant_values=tight[-1, 0] if digit in (4, 7) else tight[0, 0])
    np.testing.assert_allclose(found[0].pixels, prepare(margin), atol=0.2)


AT_AN_EDGE = {
    "line on the left": lambda page: page.line((0, 0, 0, 48), fill=20, width=3),
    "line below": lambda page: page.line((0, 47, 48, 47), fill=20, width=3),
    "a neighbour's stroke": lambda page: page.line((47, 10, 47, 40), fill=20, width=3),
    "dark corner": lambda page: page.polygon([(0, 0), (14, 0), (0, 14)], fill=20),
}


@pytest.mark.parametrize("draw_at_an_edge", AT_AN_EDGE.values(), ids=AT_AN_EDGE.keys())
def test_what_reaches_the_edges_of_a_tiny_picture_beside_a_digit_is_left_out(answer, draw_at_an_edge):
    tiny = draw(blank(48, 48, 255), 7, 14, 10, 28, ink=20, width=4)
    (alone,) = find_digits(np.array(tiny))
    draw_at_an_edge(ImageDraw.Draw(tiny))
    (digit,) = find_digits(np.array(tiny))
    assert digit.box == alone.box
    assert answer(digit.pixels) == 7


@pytest.mark.parametrize("shape", [(3, 1), (5, 8), (8, 5), (1, 60)])
def test_a_picture_of_a_few_pixels_has_no_digits_outside_of_it(shape):
    for seed in range(20):
        picture = np.random.default_rng(seed).choice(np.array([0, 58, 255], np.uint8), shape)
        try:
            digits = find_digits(picture)
        except NoDigitError:
            continue
        for left, top, right, bottom in (digit.box for digit in digits):
            assert 0 <= left <= right <= shape[1]
            assert 0 <= top <= bottom <= shape[0]


@pytest.mark.parametrize(("digit", "bare"), [(1, True), (2, False), (7, False)])
def test_a_straight_stroke_is_called_bare(digit, bare):
    (found,) = find_digits(np.asarray(page(digit)))
    assert found.is_bare is bare


# --- several digits ---------------------------------------------------------------------------------------------------


def test_digits_are_found_line_by_line_and_in_their_boxes(answer):
    image = blank(500, 300)
    for digit, left, top in [(7, 300, 40), (2, 60, 50), (5, 180, 30), (4, 70, 180), (2, 200, 170)]:
        draw(image, digit, left, top, 80)
    digits = find_digits(np.asarray(image))
    assert [answer(digit.pixels) for digit in digits] == [2, 5, 7, 4, 2]
    # A line of 6 pixels reaches 3 to each side of its points.
    assert np.abs(np.subtract(digits[2].box, (300 + 2.8, 40, 300 + 50.4, 120))).max() <= 6


def test_boxes_are_in_pixels_of_the_picture_before_it_was_shrunk(tmp_path):
    image = blank(2400, 2400)
    draw(image, 7, 1000, 800, 800, width=60)
    image.save(tmp_path / "photo.jpg")
    (digit,) = find_digits(tmp_path / "photo.jpg")
    assert np.abs(np.subtract(digit.box, (1028, 800, 1504, 1600))).max() <= 60


def test_a_detached_bar_belongs_to_its_digit(answer):
    (digit,) = find_digits(np.asarray(page(5, gap=14)))
    assert answer(digit.pixels) == 5


def test_prepare_says_how_many_digits_there_are():
    image = draw(draw(blank(), 2, 20, 60, 90), 5, 130, 60, 90)
    with pytest.raises(ValueError, match="the picture shows 2 digits: find_digits reads them one by one"):
        load_page(image)


# --- no digit ---------------------------------------------------------------------------------------------------------


def noisy(shade, noise, seed=0):
    rows = np.linspace(0, 1, 200)[:, np.newaxis]
    light = np.zeros((200, 300)) + 150 + shade * rows
    return (light + np.random.default_rng(seed).normal(0, noise, light.shape)).clip(0, 255).astype(np.uint8)


def shadowed(corners, blur=1):
    """Paper of 300 x 200 pixels with a shadow of these corners."""
    shadow = Image.new("L", (300, 200))
    ImageDraw.Draw(shadow).polygon(corners, fill=110)
    return 235 - np.asarray(shadow.filter(ImageFilter.GaussianBlur(blur)))


def lined(*lines, shade=60):
    """Paper of 300 x 200 pixels with lines of 8 pixels."""
    paper = blank(300, 200)
    for line in lines:
        ImageDraw.Draw(paper).line(line, fill=shade, width=8)
    return np.asarray(paper)


def bar_among_blots():
    paper = blank(500, 300)
    for left in range(20, 400, 90):
        ImageDraw.Draw(paper).ellipse((left, 60, left + 70, 190), fill=40)
    ImageDraw.Draw(paper).line((470, 60, 470, 190), fill=40, width=8)
    return np.asarray(paper)


NO_DIGIT = {
    "blank": np.asarray(blank()),
    "noise": noisy(0, 5),
    "shade": noisy(80, 0),
    "shade and noise": noisy(-100, 3),
    "a speck": np.asarray(specked(blank())),
    "a frame": np.asarray(framed(blank())),
    "lines": np.asarray(ruled(blank())),
    "a blot": np.pad(np.zeros((120, 100), np.uint8), 60, constant_values=235),
    "a dash": np.pad(np.zeros((8, 100), np.uint8), 60, constant_values=235),
    "a shadow's corner": shadowed([(0, 60), (60, 200), (0, 200)]),
    "a strip along the edge": shadowed([(0, 40), (25, 40), (25, 200), (0, 200)]),
    "a fold": lined((140, 0, 160, 200)),
    "a slanting dash": lined((80, 150, 220, 50)),
    "a bar among blots": bar_among_blots(),
    "dots": np.kron(np.ones((16, 16)), np.pad(np.zeros((4, 4)), 5, constant_values=235)).astype(np.uint8),
    "texture": np.kron(np.random.default_rng(0).integers(0, 255, (40, 40)), np.ones((6, 6))).astype(np.uint8),
}


@pytest.mark.parametrize("picture", NO_DIGIT.values(), ids=NO_DIGIT.keys())
def test_what_is_no_digit_is_refused(picture):
    with pytest.raises(NoDigitError, match="no digit found: "):
        find_digits(picture)


def test_many_marks_are_a_texture():
    with pytest.raises(NoDigitError, match="256 marks are a texture, or print"):
        find_digits(NO_DIGIT["dots"])


def test_a_refused_file_of_many_is_named(tmp_path):
    page().save(tmp_path / "two.png")
    blank().save(tmp_path / "blank.png")
    with pytest.raises(NoDigitError, match=r"blank\.png: no digit found"):
        prepare([tmp_path / "two.png", tmp_path / "blank.png"])
    with pytest.raises(NoDigitError, match="picture 1: no digit found"):
        prepare([np.asarray(page()), np.asarray(blank())])


# --- formats ----------------------------------------------------------------------------------------------------------


def cmyk(path):
    page().convert("RGB").convert("CMYK").save(path, "JPEG", quality=95)


def sixteen_bits(path):
    Image.fromarray(np.asarray(page()).astype(np.uint16) * 257).save(path, "PNG")


def dim_sixteen_bits(path):
    Image.fromarray(np.asarray(page()).astype(np.uint16) * 60).save(path, "TIFF")


def transparent_palette(path):
    image = page().convert("P")
    image.info["transparency"] = int(np.asarray(image)[0, 0])
    image.save(path, "PNG")


def frames(path):
    page().save(path, "GIF", save_all=True, append_images=[blank(), page(7)])


def turned(path):
    page().rotate(90).save(path, "TIFF", tiffinfo={0x0112: 6})


@pytest.mark.filterwarnings("ignore:.*3 frames.*the first is read:UserWarning")
@pytest.mark.parametrize("save", [cmyk, sixteen_bits, dim_sixteen_bits, transparent_palette, frames, turned])
def test_every_format_shows_the_same_digit(tmp_path, save):
    save(tmp_path / "picture")
    # JPEG and palettes change shades a little.
    assert np.corrcoef(load_digit(tmp_path / "picture"), load_page(page()))[0, 1] > 0.98


def test_a_warning_says_which_of_several_frames_is_read(tmp_path):
    frames(tmp_path / "moving.gif")
    with pytest.warns(UserWarning, match=r"moving\.gif has 3 frames: the first is read"):
        load_digit(tmp_path / "moving.gif")


UNKNOWN = {
    "photo.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC photograph, .*: export it as JPEG"),
    "page.pdf": (b"%PDF-1.7\n", "is a PDF document, .*: save the page as PNG"),
    "two.svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG drawing, .* as PNG"),
    "empty.png": (b"", "the file is empty"),
    "text.png": (b"To be, or not to be", "is not an image that can be read"),
}


@pytest.mark.parametrize(("name", "content"), UNKNOWN.items(), ids=UNKNOWN.keys())
def test_a_format_that_is_not_read_is_named_with_what_to_do(tmp_path, name, content):
    (tmp_path / name).write_bytes(content[0])
    with pytest.raises(ValueError, match=content[1]) as error:
        load_digit(tmp_path / name)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_truncated_photograph_is_called_damaged(tmp_path):
    page().save(tmp_path / "half.jpg")
    content = (tmp_path / "half.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"half\.jpg is damaged: .*truncated"):
        load_digit(tmp_path / "half.jpg")


@pytest.mark.parametrize(
    ("picture", "error", "message"),
    [
        (np.full((9, 9), np.nan), ValueError, "NaN or infinite"),
        (np.zeros((0, 9)), ValueError, r"the picture is empty: its shape is \(0, 9\)"),
        (np.zeros(9), ValueError, r"got shape \(9,\)"),
        (np.zeros((9, 9), complex), TypeError, "complex128"),
        (3, TypeError, "int"),
    ],
)
def test_an_array_that_is_no_picture_is_named(picture, error, message):
    with pytest.raises(error, match=message):
        prepare(picture)


def jpeg_of_one_shade(rows, columns):
    """A JPEG of any size in a few bytes: the size in the header of a small one is changed."""
    buffer = io.BytesIO()
    blank(16, 16).save(buffer, "JPEG")
    content = buffer.getvalue()
    header = content.index(b"\xff\xc0") + 5
    return content[:header] + struct.pack(">HH", rows, columns) + content[header + 4 :]


def test_a_photograph_of_108_megapixels_is_decoded_at_a_smaller_size(tmp_path, monkeypatch):
    (tmp_path / "large.jpg").write_bytes(jpeg_of_one_shade(9000, 12000))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2_000_000)  # a 64th of 108 megapixels is less
    with pytest.raises(NoDigitError, match=r"large\.jpg: no digit found"):
        load_digit(tmp_path / "large.jpg")


def test_what_cannot_be_decoded_at_a_smaller_size_is_still_guarded(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    page().save(tmp_path / "bomb.png")
    with pytest.raises(ValueError, match=r"bomb\.png has too many pixels"):
        load_digit(tmp_path / "bomb.png")


def test_nothing_is_modified():
    picture = np.asarray(page()).copy()
    before = picture.copy()
    prepare(picture)
    assert (picture == before).all()
