// Neurons: single numbers read from a layer's activation, and their gradients. A
// number is the greatest of some values of a sample, the first of equal ones, or
// their mean. The values are at start + i step, in raster order.
//
// Layout: any. A block takes a sample: each thread every 256th value, and then
// halves of the block are joined again and again, always in the same order.
#include "common.cuh"

struct Neuron {
    int sample, start, step, count, kind, column, neurons;
};

// The number of the first of the greatest values. All threads of the block call it.
__device__ __forceinline__ int first_greatest(const float *__restrict__ values,
                                              const Neuron &neuron) {
    SHARED(float, greatest, [256]);
    SHARED(int, places, [256]);
    int thread = threadIdx.x;
    // Every thread begins with the first value, so that nothing displaces a NaN
    // there, and no NaN displaces anything.
    int best = 0;
    float value = values[0];
    for (int i = thread; i < neuron.count; i += 256) {
        if (values[i * neuron.step] > value) {
            best = i;
            value = values[i * neuron.step];
        }
    }
    greatest[thread] = value;
    places[thread] = best;
    for (int half = 128; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half) {
            float rival = greatest[thread + half];
            int place = places[thread + half];
            if (rival > value || (rival == value && place < best)) {
                greatest[thread] = value = rival;
                places[thread] = best = place;
            }
        }
    }
    __syncthreads();
    return places[0];
}

// The sum of the values, in the first thread. All threads of the block call it.
__device__ __forceinline__ double sum_of_values(const float *__restrict__ values,
                                                const Neuron &neuron) {
    SHARED(double, sums, [256]);
    int thread = threadIdx.x;
    double sum = 0;
    for (int i = thread; i < neuron.count; i += 256) sum += values[i * neuron.step];
    sums[thread] = sum;
    for (int half = 128; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half) sums[thread] += sums[thread + half];
    }
    return sums[thread];
}

KERNEL(256)
read_neuron(const float *__restrict__ activation, float *__restrict__ values, Neuron neuron,
            int n) {
    int sample = blockIdx.x;
    if (sample >= n) return;
    activation += sample * neuron.sample + neuron.start;
    float value;
    if (neuron.kind == 0) {
        value = activation[first_greatest(activation, neuron) * neuron.step];
    } else {
        value = (float)(sum_of_values(activation, neuron) / neuron.count);
    }
    if (threadIdx.x == 0) values[sample * neuron.neurons + neuron.column] = value;
}

// Adds the cotangent to the greatest value's, or a share of it to each.
KERNEL(256)
pull_neuron(const float *__restrict__ activation, const float *__restrict__ d_values,
            float *__restrict__ d_activation, Neuron neuron, int n) {
    int sample = blockIdx.x;
    if (sample >= n) return;
    int start = sample * neuron.sample + neuron.start;
    float value = d_values[sample * neuron.neurons + neuron.column];
    if (neuron.kind == 0) {
        int place = first_greatest(activation + start, neuron);
        if (threadIdx.x == 0) d_activation[start + place * neuron.step] += value;
        return;
    }
    float share = value / (float)neuron.count;
    for (int i = threadIdx.x; i < neuron.count; i += 256) {
        d_activation[start + i * neuron.step] += share;
    }
}
