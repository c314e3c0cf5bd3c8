// Repulsion between near neighbours:
//
//   d_i = -weight sum_j factor_ij (e_i - e_j)      factor_ij = |e_i - e_1| / |e_i - e_j|^2
//
// over the nearest e_j in order, of which e_1 is the first.
//
// Layout: the batch [n, e] and fixed encodings [m, e]. The others that a row is
// compared with are the fixed ones and then the batch, m + n in all; squared
// distances are [n, m + n] f64.
#include "common.cuh"

// How many rows of the batch, and how many others, a warp compares: few rows, as
// a batch is small and an unfilled place is wasted work.
const int ROWS = 4, OTHERS = 4;

__device__ __forceinline__ const float *other(const float *encodings, const float *fixed, int j,
                                              int e, int m) {
    return j < m ? fixed + j * e : encodings + (j - m) * e;
}

// Differences in f32, squares and their sums in f64. A lane takes every 32nd
// component of ROWS x OTHERS pairs, so that a value that was loaded serves four
// times; then the lanes are added by a tree. The order depends on e alone. Blocks
// along x share their others, which meet in the cache.
KERNEL(256)
distances(const float *__restrict__ encodings, const float *__restrict__ fixed,
          double *__restrict__ squares, int e, int m, int n) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int first_row = blockIdx.x * ROWS, first_other = (blockIdx.y * 8 + warp) * OTHERS;
    int all = m + n;

    // Places beyond the end repeat the last one and are not written.
    const float *row[ROWS], *others[OTHERS];
    for (int i = 0; i < ROWS; ++i) row[i] = encodings + min(first_row + i, n - 1) * e;
    for (int j = 0; j < OTHERS; ++j)
        others[j] = other(encodings, fixed, min(first_other + j, all - 1), e, m);

    double sums[ROWS][OTHERS] = {};
    for (int k = lane; k < e; k += 32) {
        float a[ROWS], b[OTHERS];
        for (int i = 0; i < ROWS; ++i) a[i] = row[i][k];
        for (int j = 0; j < OTHERS; ++j) b[j] = others[j][k];
        for (int i = 0; i < ROWS; ++i)
            for (int j = 0; j < OTHERS; ++j) {
                double apart = a[i] - b[j];
                sums[i][j] += apart * apart;
            }
    }
    for (int i = 0; i < ROWS; ++i)
        for (int j = 0; j < OTHERS; ++j) {
            double sum = sums[i][j];
            for (int half = 16; half > 0; half /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, half);
            if (lane == 0 && first_row + i < n && first_other + j < all)
                squares[(first_row + i) * all + first_other + j] = sum;
        }
}

// Whether an other comes before another one: nearer, or as near and of a lower number.
__device__ __forceinline__ bool before(double square, int j, double other_square, int other_j) {
    return square < other_square || (square == other_square && j < other_j);
}

// One block a row. Each round finds the first other behind the one found last:
// a thread looks at every 256th, then the threads are compared by a tree. Equal
// encodings have no direction away from each other and are passed over, and with
// them the row itself.
KERNEL(256)
nearest(const double *__restrict__ squares, int *__restrict__ indices, float *__restrict__ factors,
        int near, int m, int n) {
    SHARED(double, least, [256]);
    SHARED(int, index, [256]);
    const int NONE = 0x7fffffff;
    int row = blockIdx.x, thread = threadIdx.x, all = m + n;
    if (row >= n) return;
    squares += row * all;

    double last = 0.0, distance = 0.0;
    int last_index = NONE;
    for (int place = 0; place < near; ++place) {
        double best = INFINITY;
        int best_index = NONE;
        for (int j = thread; j < all; j += 256) {
            double square = squares[j];
            if (before(last, last_index, square, j) && before(square, j, best, best_index)) {
                best = square;
                best_index = j;
            }
        }
        least[thread] = best;
        index[thread] = best_index;
        __syncthreads();
        for (int half = 128; half > 0; half /= 2) {
            int two = thread + half;
            if (thread < half && before(least[two], index[two], least[thread], index[thread])) {
                least[thread] = least[two];
                index[thread] = index[two];
            }
            __syncthreads();
        }
        last = least[0];
        last_index = index[0];
        if (place == 0) distance = sqrt(last);
        if (thread == 0) {
            bool found = last_index != NONE;
            indices[row * near + place] = found ? last_index : -1;
            factors[row * near + place] = found ? (float)(distance / last) : 0.0f;
        }
        // The next round overwrites what was just read.
        __syncthreads();
    }
}

// One thread a component of a row.
KERNEL(256)
repel(const float *__restrict__ encodings, const float *__restrict__ fixed,
      const int *__restrict__ indices, const float *__restrict__ factors, float weight,
      float *__restrict__ d_encodings, int near, int e, int m, int n) {
    int i = thread_index();
    if (i >= n * e) return;
    int row = i / e, k = i - row * e;
    float sum = 0.0f;
    for (int place = row * near; place < (row + 1) * near && indices[place] >= 0; ++place)
        sum += factors[place] * (encodings[i] - other(encodings, fixed, indices[place], e, m)[k]);
    d_encodings[i] = sum * -weight;
}
