// Maximum and average over windows of a plane, and their gradients.
//
// Window o along an axis has the pixels from o stride - pad, `kernel` of them,
// cut at the image. A maximum is over the real pixels, the first in raster order
// of equal ones. An average divides by the number of places inside the image and
// its padding.
//
// Layout: channels-last. One thread computes one value: an output by its window,
// or an input's gradient by all windows that it lies in, in their order. The
// threads walk along rows of what they write, so that neighbours are neighbouring
// channels.
#include "rows.cuh"

struct PoolAxis {
    int input, output, kernel, stride, pad;

    // The real pixels of window o: from first_pixel to before end_pixel.
    __device__ int first_pixel(int o) const { return max(o * stride - pad, 0); }
    __device__ int end_pixel(int o) const { return min(o * stride - pad + kernel, input); }

    // The windows of pixel i: from first_window to before end_window.
    __device__ int first_window(int i) const {
        int behind = i + pad - kernel;
        return behind < 0 ? 0 : behind / stride + 1;
    }
    __device__ int end_window(int i) const { return min((i + pad) / stride + 1, output); }

    // The number of places of window o, padding included.
    __device__ int places(int o) const { return min(kernel, input + 2 * pad - o * stride); }
};

struct Pool {
    int channels;
    PoolAxis rows, cols;
};

// The greatest pixel of each window, and its position in its plane.
KERNEL(256)
max_pool_forward(const float *__restrict__ x, float *__restrict__ y,
                 unsigned *__restrict__ positions, Pool pool, int n) {
    PoolAxis rows = pool.rows, cols = pool.cols;
    int row = blockIdx.x, channels = pool.channels, width = cols.output * channels;
    if (row >= n * rows.output) return;
    int sample = row / rows.output, i = row - sample * rows.output;
    int top = rows.first_pixel(i), bottom = rows.end_pixel(i);
    x += sample * rows.input * cols.input * channels;
    for (int v = first_in_row(); v < width; v += step_in_row()) {
        int j = v / channels, channel = v - j * channels;
        int left = cols.first_pixel(j), right = cols.end_pixel(j);
        int found = top * cols.input + left;
        float greatest = x[found * channels + channel];
        for (int r = top; r < bottom; r++) {
            for (int c = left; c < right; c++) {
                int position = r * cols.input + c;
                float value = x[position * channels + channel];
                if (value > greatest) {
                    greatest = value;
                    found = position;
                }
            }
        }
        y[row * width + v] = greatest;
        positions[row * width + v] = found;
    }
}

// dx = sum of dy over the windows whose greatest pixel it is.
KERNEL(256)
max_pool_backward(const float *__restrict__ dy, const unsigned *__restrict__ positions,
                  float *__restrict__ dx, Pool pool, int n) {
    PoolAxis rows = pool.rows, cols = pool.cols;
    int row = blockIdx.x, channels = pool.channels, width = cols.input * channels;
    if (row >= n * rows.input) return;
    int sample = row / rows.input, r = row - sample * rows.input;
    int top = rows.first_window(r), bottom = rows.end_window(r);
    int start = sample * rows.output * cols.output * channels;
    for (int v = first_in_row(); v < width; v += step_in_row()) {
        int c = v / channels, channel = v - c * channels;
        int left = cols.first_window(c), right = cols.end_window(c);
        unsigned position = r * cols.input + c;
        float sum = 0;
        for (int i = top; i < bottom; i++) {
            for (int j = left; j < right; j++) {
                int window = start + (i * cols.output + j) * channels + channel;
                if (positions[window] == position) sum += dy[window];
            }
        }
        dx[row * width + v] = sum;
    }
}

// y = sum of x over the real pixels of a window / places
KERNEL(256)
average_pool_forward(const float *__restrict__ x, float *__restrict__ y, Pool pool, int n) {
    PoolAxis rows = pool.rows, cols = pool.cols;
    int row = blockIdx.x, channels = pool.channels, width = cols.output * channels;
    if (row >= n * rows.output) return;
    int sample = row / rows.output, i = row - sample * rows.output;
    int top = rows.first_pixel(i), bottom = rows.end_pixel(i), high = rows.places(i);
    x += sample * rows.input * cols.input * channels;
    for (int v = first_in_row(); v < width; v += step_in_row()) {
        int j = v / channels, channel = v - j * channels;
        int left = cols.first_pixel(j), right = cols.end_pixel(j);
        float sum = 0;
        for (int r = top; r < bottom; r++) {
            for (int c = left; c < right; c++) {
                sum += x[(r * cols.input + c) * channels + channel];
            }
        }
        y[row * width + v] = sum / (float)(high * cols.places(j));
    }
}

// dx = sum of dy / places over the windows that it lies in.
KERNEL(256)
average_pool_backward(const float *__restrict__ dy, float *__restrict__ dx, Pool pool, int n) {
    PoolAxis rows = pool.rows, cols = pool.cols;
    int row = blockIdx.x, channels = pool.channels, width = cols.input * channels;
    if (row >= n * rows.input) return;
    int sample = row / rows.input, r = row - sample * rows.input;
    int top = rows.first_window(r), bottom = rows.end_window(r);
    dy += sample * rows.output * cols.output * channels;
    for (int v = first_in_row(); v < width; v += step_in_row()) {
        int c = v / channels, channel = v - c * channels;
        int left = cols.first_window(c), right = cols.end_window(c);
        float sum = 0;
        for (int i = top; i < bottom; i++) {
            for (int j = left; j < right; j++) {
                float value = dy[(i * cols.output + j) * channels + channel];
                sum += value / (float)(rows.places(i) * cols.places(j));
            }
        }
        dx[row * width + v] = sum;
    }
}
