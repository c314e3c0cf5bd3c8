// Values that change their places only: parts of rows (concatenation), windows of
// planes (crop), other shapes (reshape).
//
// Layout: channels-last. One thread moves one value; the threads of a crop walk
// along rows of what they write.
#include "rows.cuh"

struct Part {
    int rows, width, from_pitch, from_offset, to_pitch, to_offset;
};

// Row i of `width` values, from `from_offset + i from_pitch` to
// `to_offset + i to_pitch`.
KERNEL(256) copy_part(const float *__restrict__ from, float *__restrict__ to, Part part) {
    int i = thread_index();
    if (i >= part.rows * part.width) return;
    int row = i / part.width, v = i - row * part.width;
    to[part.to_offset + row * part.to_pitch + v] =
        from[part.from_offset + row * part.from_pitch + v];
}

struct Crop {
    int channels, from_h, from_w, y, x, to_h, to_w;
};

// y[c, i, j] = x[c, i + crop.y, j + crop.x]
KERNEL(256)
crop_forward(const float *__restrict__ x, float *__restrict__ y, Crop crop, int n) {
    int row = blockIdx.x, width = crop.to_w * crop.channels;
    if (row >= n * crop.to_h) return;
    int sample = row / crop.to_h, i = row - sample * crop.to_h + crop.y;
    x += ((sample * crop.from_h + i) * crop.from_w + crop.x) * crop.channels;
    y += row * width;
    for (int v = first_in_row(); v < width; v += step_in_row()) y[v] = x[v];
}

// dx[c, i, j] = dy[c, i - crop.y, j - crop.x], 0 outside of the window
KERNEL(256)
crop_backward(const float *__restrict__ dy, float *__restrict__ dx, Crop crop, int n) {
    int row = blockIdx.x, width = crop.from_w * crop.channels;
    if (row >= n * crop.from_h) return;
    int sample = row / crop.from_h, i = row - sample * crop.from_h - crop.y;
    bool inside = i >= 0 && i < crop.to_h;
    int start = crop.x * crop.channels, end = start + crop.to_w * crop.channels;
    int from = (sample * crop.to_h + i) * crop.to_w * crop.channels;
    dx += row * width;
    for (int v = first_in_row(); v < width; v += step_in_row()) {
        dx[v] = inside && v >= start && v < end ? dy[from + v - start] : 0;
    }
}

struct Reorder {
    int from_channels, from_positions, to_channels, to_positions;
};

// A value of the destination; it has the same number in row-major order on both
// sides.
KERNEL(256)
reorder(const float *__restrict__ from, float *__restrict__ to, Reorder layouts, int n) {
    int i = thread_index(), len = layouts.to_channels * layouts.to_positions;
    if (i >= n * len) return;
    int pixel = i / layouts.to_channels, channel = i - pixel * layouts.to_channels;
    int sample = pixel / layouts.to_positions, position = pixel - sample * layouts.to_positions;
    int number = channel * layouts.to_positions + position;
    channel = number / layouts.from_positions;
    position = number - channel * layouts.from_positions;
    to[i] = from[sample * len + position * layouts.from_channels + channel];
}
