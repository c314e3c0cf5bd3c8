// Images as they are stored:
//
//   byte = round(255 clip(x, [0, 1])), halves up      rounded = byte / 255
//
// Layout: images and rounded [n, positions, channels]; bytes [n, channels,
// positions], as files hold them. One thread rounds a pixel, so that the bytes of
// a channel are written side by side.
#include "common.cuh"

KERNEL(256)
round_images(const float *__restrict__ images, unsigned char *__restrict__ bytes,
             float *__restrict__ rounded, int channels, int positions, int n) {
    int i = thread_index();
    if (i >= n * positions) return;
    int image = i / positions, position = i - image * positions;
    for (int channel = 0; channel < channels; ++channel) {
        float x = images[i * channels + channel];
        // NaN becomes 0.
        float scaled = (x > 0.0f ? x < 1.0f ? x : 1.0f : 0.0f) * 255.0f;
        int byte = (int)scaled;
        // Adding a half before cutting would round the number below a half up.
        byte += scaled - (float)byte >= 0.5f;
        bytes[(image * channels + channel) * positions + position] = (unsigned char)byte;
        rounded[i * channels + channel] = (float)byte / 255.0f;
    }
}
