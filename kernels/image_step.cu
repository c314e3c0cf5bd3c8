// The step between a generator and a classifier. Images are in [0, 1]:
//
//   encoded = pixel gain - offset                  (a classifier's input)
//   pixel   = clamp((output + offset) / gain)      (of a generator's output,
//                                                   cropped or padded centrally)
//
// gain is per channel of the network, offset per value of its sample. A network's
// channels may be in the reverse order of the images'.
//
// Layout: channels-last. One thread computes one value; threads walk along images
// or their rows.
#include "rows.cuh"

// The image's channel of a network's, and the other way about. Without a branch:
// NVRTC's order of those that it makes of `?:` differs from time to time.
__device__ __forceinline__ int other_channel(int channel, int channels, int reversed) {
    return channel + reversed * (channels - 1 - 2 * channel);
}

struct Pixels {
    int channels, reversed, sample;
};

KERNEL(256)
encode(const float *__restrict__ images, const float *__restrict__ gain,
       const float *__restrict__ offset, float *__restrict__ encoded, Pixels pixels, int n) {
    int sample = blockIdx.x, start = sample * pixels.sample;
    if (sample >= n) return;
    for (int v = first_in_row(); v < pixels.sample; v += step_in_row()) {
        int k = v % pixels.channels, m = other_channel(k, pixels.channels, pixels.reversed);
        encoded[start + v] = images[start + v - k + m] * gain[k] - offset[v];
    }
}

KERNEL(256)
pull_encoded(const float *__restrict__ d_encoded, const float *__restrict__ gain,
             float *__restrict__ d_images, Pixels pixels, int n) {
    int sample = blockIdx.x, start = sample * pixels.sample;
    if (sample >= n) return;
    for (int v = first_in_row(); v < pixels.sample; v += step_in_row()) {
        int m = v % pixels.channels, k = other_channel(m, pixels.channels, pixels.reversed);
        d_images[start + v] = d_encoded[start + v - m + k] * gain[k];
    }
}

struct Frame {
    int channels, reversed, from_h, from_w, to_h, to_w;
};

// The pixels along an axis that a generator's output and an image share: where
// they begin on either side, and their number. Of an odd difference the smaller
// half lies before.
struct Shared {
    int from, to, len;

    __device__ Shared(int from_size, int to_size)
        : from(max(from_size - to_size, 0) / 2), to(max(to_size - from_size, 0) / 2),
          len(min(from_size, to_size)) {}
};

// Rows of images.
KERNEL(256)
decode(const float *__restrict__ output, const float *__restrict__ gain,
       const float *__restrict__ offset, float *__restrict__ images, Frame frame, int n) {
    int row = blockIdx.x, channels = frame.channels, width = frame.to_w * channels;
    if (row >= n * frame.to_h) return;
    Shared rows(frame.from_h, frame.to_h), cols(frame.from_w, frame.to_w);
    int sample = row / frame.to_h, i = row - sample * frame.to_h - rows.to;
    bool reached = i >= 0 && i < rows.len;
    int start = cols.to * channels, end = start + cols.len * channels;
    int from = ((rows.from + i) * frame.from_w + cols.from) * channels;
    output += sample * frame.from_h * frame.from_w * channels;
    for (int v = first_in_row(); v < width; v += step_in_row()) {
        float pixel = 0;
        if (reached && v >= start && v < end) {
            int m = v % channels, k = other_channel(m, channels, frame.reversed);
            int place = from + v - start - m + k;
            pixel = (output[place] + offset[place]) / gain[k];
            // Written so that NaN stays.
            if (pixel < 0) pixel = 0;
            if (pixel > 1) pixel = 1;
        }
        images[row * width + v] = pixel;
    }
}

// Rows of the output's gradient. A pixel beyond [0, 1] passes only what moves it
// back inwards when it is stepped against, or nothing if `hard`.
KERNEL(256)
pull_image(const float *__restrict__ output, const float *__restrict__ d_images,
           const float *__restrict__ gain, const float *__restrict__ offset,
           float *__restrict__ d_output, Frame frame, int hard, int n) {
    int row = blockIdx.x, channels = frame.channels, width = frame.from_w * channels;
    if (row >= n * frame.from_h) return;
    Shared rows(frame.from_h, frame.to_h), cols(frame.from_w, frame.to_w);
    int sample = row / frame.from_h, i = row - sample * frame.from_h;
    int line = i - rows.from + rows.to;
    bool shown = i >= rows.from && i < rows.from + rows.len;
    int start = cols.from * channels, end = start + cols.len * channels;
    int image = ((sample * frame.to_h + line) * frame.to_w + cols.to) * channels;
    for (int v = first_in_row(); v < width; v += step_in_row()) {
        float pulled = 0;
        if (shown && v >= start && v < end) {
            int k = v % channels, m = other_channel(k, channels, frame.reversed);
            float pixel = (output[row * width + v] + offset[i * width + v]) / gain[k];
            float d = d_images[image + v - start - k + m];
            bool blocked = hard ? !(pixel >= 0 && pixel <= 1)
                                : (pixel < 0 && d > 0) || (pixel > 1 && d < 0);
            if (!blocked) pulled = d / gain[k];
        }
        d_output[row * width + v] = pulled;
    }
}
