"""The ops on hand-worked cases and against the golden files from PyTorch."""

import json
import unittest
from pathlib import Path

import numpy as np

import ops
import tensors

GOLDEN = Path(__file__).parents[1] / "golden" / "ops.safetensors"
CLOSE = 1e-5  # absolute for numbers up to 1, relative beyond


def row(*numbers):
    """Numbers as one sample of one channel of one row, [1, 1, 1, w]."""
    return np.array(numbers, float).reshape(1, 1, 1, -1)


def column(*numbers):
    """Numbers as one sample of as many channels of one pixel, [1, c, 1, 1]."""
    return np.array(numbers, float).reshape(1, -1, 1, 1)


class HandWorked(unittest.TestCase):
    def check(self, op, x, expected, **weights):
        y = ops.apply(op, [x], weights)
        np.testing.assert_allclose(y.ravel(), expected, rtol=0, atol=1e-12)

    def pool(self, x, expected, method, kernel, pad, rounding):
        attributes = dict(method=method, kernel=[1, kernel], stride=[1, 2], pad=[0, pad])
        self.check({"pool": attributes | {"rounding": rounding}}, x, expected)

    def test_ceil_pooling_clips_the_last_window(self):
        x = row(1, 2, 3, 4, 5, 6)
        self.pool(x, [3, 5, 6], "max", 3, 0, "ceil")
        self.pool(x, [3, 5], "max", 3, 0, "floor")
        self.pool(x, [2, 4, 5.5], "average", 3, 0, "ceil")

    def test_a_window_beyond_the_image_is_dropped(self):
        # Rounded up there would be four windows; the fourth begins at 5.
        x = row(1, 2, 3, 4, 5)
        self.pool(x, [1, 3, 5], "max", 2, 1, "ceil")
        self.pool(x, [0.5, 2.5, 4.5], "average", 2, 1, "ceil")

    def test_padding_in_one_direction_drops_windows_in_both(self):
        # Of 5 columns the third window begins at 6.
        self.assertEqual(ops.pooled_sizes([2, 5], [2, 1], [1, 3], [1, 0], "ceil"), [3, 2])
        self.assertEqual(ops.pooled_sizes([2, 5], [2, 1], [1, 3], [0, 0], "ceil"), [1, 3])

    def test_average_counts_padded_zeros_up_to_the_padding(self):
        # The last window covers pixel 4, one padded zero, and nothing.
        self.pool(row(1, 2, 3, 4), [1, 3, 2], "average", 3, 1, "ceil")

    def test_a_window_without_a_pixel_is_refused(self):
        # Rounded up without padding, the second window begins at 2 of 2.
        with self.assertRaisesRegex(ValueError, "no pixel"):
            self.pool(row(1, 2), [], "max", 1, 0, "ceil")

    def test_lrn_divides_alpha_by_the_window(self):
        op = {"lrn": {"size": 3, "alpha": 3.0, "beta": 1.0}}
        self.check(op, column(1, 2, 3), [1 / 6, 2 / 15, 3 / 14])
        op = {"lrn": {"size": 3, "alpha": 3.0, "beta": 0.5, "k": 2.0}}
        self.check(op, column(0, 1, 1), [0, 0.5, 0.5])

    def test_groups_do_not_see_each_other(self):
        weight = np.array([[1.0, 2], [3, 4]]).reshape(2, 2, 1, 1)
        op = {"convolution": {"outputs": 2, "kernel": [1, 1], "groups": 2}}
        x = column(1, 10, 100, 1000)
        self.check(op, x, [21, 4301], weight=weight, bias=np.array([0.0, 1]))

    def test_convolution_with_stride_padding_and_dilation(self):
        op = {"outputs": 1, "kernel": [1, 2], "stride": [1, 2], "pad": [0, 1]}
        op = {"convolution": op | {"dilation": [1, 2], "bias": False}}
        self.check(op, row(1, 2, 3, 4, 5, 6, 7), [20, 42, 64, 6], weight=row(1, 10))

    def test_transposed_convolution(self):
        # 1, 2, 3, 4 and, two further, 2, 4, 6, 8; one cut off at each end.
        op = {"outputs": 1, "kernel": [1, 4], "stride": [1, 2], "pad": [0, 1], "bias": False}
        op = {"transposed_convolution": op}
        self.check(op, row(1, 2), [2, 5, 8, 6], weight=row(1, 2, 3, 4))

    def test_transposed_convolution_with_dilation_and_groups(self):
        # Per group 1, 2 times the input, the 2 two pixels further.
        op = {"outputs": 2, "kernel": [1, 2], "dilation": [1, 2], "groups": 2}
        x = np.array([[[[1.0, 10]], [[3, 0]]]])
        weight = np.array([1.0, 2, 1, 2]).reshape(2, 1, 1, 2)
        expected = [1, 10, 2, 20, 3.5, 0.5, 6.5, 0.5]
        op = {"transposed_convolution": op}
        self.check(op, x, expected, weight=weight, bias=np.array([0, 0.5]))

    def test_shapes_that_do_not_fit_are_refused(self):
        op = {"inner_product": {"outputs": 2, "bias": False}}
        with self.assertRaisesRegex(ValueError, r"expected shape \[2, 3\], found \[3, 2\]"):
            self.check(op, column(1, 2, 3), [], weight=np.zeros((3, 2)))
        op = {"crop": {"offset": [0, 3], "size": [1, 2]}}
        with self.assertRaisesRegex(ValueError, "expected shape"):
            self.check(op, row(1, 2, 3, 4), [])


class Golden(unittest.TestCase):
    def setUp(self):
        metadata, self.tensors = tensors.read(GOLDEN)
        self.cases = json.loads(metadata["cases"])

    def test_every_case(self):
        for case in self.cases:
            with self.subTest(case["name"]):
                inputs = [self.tensors[name] for name in case["x"]]
                weights = {key: self.tensors[name] for key, name in case["weights"].items()}
                y = ops.apply(case["op"], inputs, weights)
                np.testing.assert_array_equal(y.shape, self.tensors[case["y"]].shape)
                expected = self.tensors[case["y"]]
                error = np.abs(y - expected) / np.maximum(1, np.abs(expected))
                self.assertLessEqual(error.max(), CLOSE)

    def test_every_op_has_a_case(self):
        found = [case["op"] for case in self.cases]
        names = {op if isinstance(op, str) else next(iter(op)) for op in found}
        self.assertEqual(names, set(ops.OPS))


if __name__ == "__main__":
    unittest.main()
