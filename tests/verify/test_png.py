"""The PNG reader on hand-worked rows and on damaged files."""

import struct
import unittest
import zlib

import png


def chunk(kind, content):
    crc = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + crc


def write(width, height, colour, lines, depth=8, interlace=0):
    """A PNG file of scanlines that already carry their filter bytes; the
    compressed data is split over two chunks."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    body = zlib.compress(bytes(lines))
    return (
        png.SIGNATURE
        + chunk(b"IHDR", header)
        + chunk(b"tEXt", b"Comment\0ignored")
        + chunk(b"IDAT", body[:5])
        + chunk(b"IDAT", body[5:])
        + chunk(b"IEND", b"")
    )


class Filters(unittest.TestCase):
    ABOVE = [20, 17, 15, 16]
    ROW = [24, 18, 200, 5]
    # The Paeth row takes, from left to right, the pixel above, the corner, the
    # pixel above on a tie with the corner, and the pixel to the left.
    FILTERED = {
        0: [24, 18, 200, 5],
        1: [24, 250, 182, 61],
        2: [4, 1, 185, 245],
        3: [14, 254, 184, 153],
        4: [4, 254, 185, 61],
    }

    def test_second_row_of_each_filter(self):
        for kind, filtered in self.FILTERED.items():
            with self.subTest(filter=kind):
                image = png.decode(write(4, 2, 0, [0, *self.ABOVE, kind, *filtered]))
                self.assertEqual(image.tolist(), [[self.ABOVE, self.ROW]])

    def test_above_the_first_row_are_zeros(self):
        for kind, filtered in {2: [9, 8], 3: [9, 4], 4: [9, 255]}.items():
            with self.subTest(filter=kind):
                self.assertEqual(png.decode(write(2, 1, 0, [kind, *filtered])).tolist(), [[[9, 8]]])

    def test_left_of_rgb_is_three_bytes_away(self):
        image = png.decode(write(2, 1, 2, [1, 1, 2, 3, 10, 20, 30]))
        self.assertEqual(image.tolist(), [[[1, 11]], [[2, 22]], [[3, 33]]])


class Refusals(unittest.TestCase):
    GOOD = write(2, 1, 0, [0, 1, 2])

    def refuse(self, data, reason):
        with self.assertRaisesRegex(ValueError, reason):
            png.decode(data)

    def test_damaged_files(self):
        self.refuse(b"GIF89a", "signature")
        self.refuse(self.GOOD[:-12], "truncated")
        damaged = bytearray(self.GOOD)
        damaged[20] ^= 1
        self.refuse(bytes(damaged), "IHDR has a wrong CRC")

    def test_formats_that_samples_never_have(self):
        self.refuse(write(1, 1, 0, [0, 1, 2], depth=16), "depth 16")
        self.refuse(write(1, 1, 3, [0, 1]), "colour type 3")
        self.refuse(write(1, 1, 0, [0, 1], interlace=1), "interlace 1")
        self.refuse(write(1, 1, 0, [5, 1]), "unknown row filter 5")
        self.refuse(write(2, 2, 0, [0, 1, 2]), "3 bytes of pixels for 2x2")


if __name__ == "__main__":
    unittest.main()
