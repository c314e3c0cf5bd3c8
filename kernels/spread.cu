// The sum T of squared distances over all ordered pairs of encodings, by their
// count and mean:
//
//   merge_moments     mean = mean + k / (count + k) (mean of k rows - mean)
//   spread_gradient   d = -weight dT/de      dT/de = 4 count (e - mean)
//
// Layout: encodings [rows, e] f32, mean [e] f64. One thread takes a component of
// all rows, in their order, so that a mean has the same bits as one made on the
// host. Blocks are small because there are only e threads.
#include "common.cuh"

// The mean of a component over `count` encodings of mean `before` and `rows` more
// whose components add to `sum`. `before` is not read if there are none.
__device__ __forceinline__ double merged(const double *before, double count, double sum, int rows) {
    double mean = sum / rows;
    if (count == 0.0) return mean;
    double share = rows / (count + rows);
    return *before + share * (mean - *before);
}

KERNEL(64)
merge_moments(const float *__restrict__ kept, const int *__restrict__ order, double count,
              double *__restrict__ mean, int e, int k) {
    int component = thread_index();
    if (component >= e || k == 0) return;
    double sum = 0.0;
    for (int i = 0; i < k; ++i) sum += kept[order[i] * e + component];
    mean[component] = merged(mean + component, count, sum, k);
}

KERNEL(64)
spread_gradient(const float *__restrict__ encodings, const double *__restrict__ mean, double count,
                float weight, float *__restrict__ d_encodings, int e, int n) {
    int component = thread_index();
    if (component >= e) return;
    double sum = 0.0;
    for (int row = 0; row < n; ++row) sum += encodings[row * e + component];
    double all = merged(mean + component, count, sum, n);
    double factor = 4.0 * (count + n);
    for (int row = 0; row < n; ++row) {
        int i = row * e + component;
        d_encodings[i] = (float)(factor * (encodings[i] - all)) * -weight;
    }
}
