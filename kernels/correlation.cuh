// A correlation as a matrix product over places, and how a block reads its
// operands.
//
//     y[sample, pixel(q), group * outputs + o] =
//         epilogue(sum over jy, jx, c of x[sample, source(q, j), group * channels + c] * w[(jy, jx, c), o])
//
// for the places q = (qy, qx) of every phase, where along an axis
// pixel(q) = first + q * spacing and source(q, j) = q * step + offset + j * tap_step,
// zero outside the source. Rows of the product are the places of a phase over
// all samples, columns the outputs of a group; terms are numbered
// k = (jy * taps_x + jx) * channels + c.
//
// Layout: x [n][source_h][source_w][groups * channels], y and mask
// [n][destination_h][destination_w][groups * outputs], bias [groups * outputs],
// w for each phase (from `weight` on) and group [k][outputs_padded].
//
// A block computes a tile of one phase and group, or one of `splits` parts of
// the terms of its sums. It takes DEPTH terms at a time: while it multiplies
// those that lie in shared memory, every thread fetches its share of the next.
#pragma once

#include "product.cuh"

constexpr int CORRELATION_THREADS = 128;
constexpr int DEPTH = 16;

struct PhaseAxis {
    int places, first, spacing, step, offset, taps, tap_step;
};

struct Phase {
    PhaseAxis rows, cols;
    int weight;
};

struct CorrelationShape {
    int n, groups, phases, channels, outputs, outputs_padded;
    int source_h, source_w, destination_h, destination_w;
    int relu;
    float slope;
    int splits;
};

// A place of a sample; they are numbered sample after sample, row after row.
struct Place {
    int sample, y, x;

    __device__ __forceinline__ Place(const Phase &phase, int number) {
        int row = number / phase.cols.places;
        x = number - row * phase.cols.places;
        sample = row / phase.rows.places;
        y = row - sample * phase.rows.places;
    }
};

// What a block computes: rows from first_row on and columns from first_output
// on, over the terms from `begin` to below `end`. `begin` is a multiple of CHUNK.
struct CorrelationBlock {
    int group, split, first_row, first_output, rows, begin, end;
    const Phase &phase;

    __device__ __forceinline__ CorrelationBlock(const Phase *phases, const CorrelationShape &shape, int tile_rows,
                                                int tile_columns)
        : phase(phases[blockIdx.z / shape.splits % shape.phases]) {
        split = blockIdx.z % shape.splits;
        group = blockIdx.z / shape.splits / shape.phases;
        first_row = blockIdx.x * tile_rows;
        first_output = blockIdx.y * tile_columns;
        rows = shape.n * phase.rows.places * phase.cols.places;
        int terms = phase.rows.taps * phase.cols.taps * shape.channels;
        int part = ((terms + CHUNK - 1) / CHUNK + shape.splits - 1) / shape.splits * CHUNK;
        begin = min(split * part, terms);
        end = min(begin + part, terms);
    }

    __device__ __forceinline__ int stages() const { return (end - begin + DEPTH - 1) / DEPTH; }

    // Where the weights of its phase and group begin.
    __device__ __forceinline__ int first_weight(const CorrelationShape &shape) const {
        return phase.weight + group * phase.rows.taps * phase.cols.taps * shape.channels * shape.outputs_padded;
    }

    __device__ __forceinline__ Result result(const float *bias, const float *mask, float *y, float *partials,
                                             const CorrelationShape &shape) const {
        int len = shape.n * shape.destination_h * shape.destination_w * shape.groups * shape.outputs;
        return Result(Epilogue{bias, mask, shape.relu, shape.slope}, y, partials, shape.splits, split, len);
    }

    // Puts four outputs of one row, from the tile's `column` on.
    __device__ __forceinline__ void put(const Result &result, float4 sums, int row, int column,
                                        const CorrelationShape &shape) const {
        int number = first_row + row, output = first_output + column;
        if (number >= rows || output >= shape.outputs) return;
        int channel = group * shape.outputs + output;
        int index = pixel(number, shape) * shape.groups * shape.outputs + channel;
        result.put(sums, index, channel, shape.outputs - output);
    }

    // Puts 64 x 64 sums that lie in shared memory, in rows of PITCH.
    template <int PITCH>
    __device__ __forceinline__ void put_tile(const Result &result, const float (*tile)[PITCH],
                                             const CorrelationShape &shape) const {
        for (int i = threadIdx.x; i < 64 * 16; i += CORRELATION_THREADS) {
            int row = i / 16, column = i % 16 * 4;
            put(result, *reinterpret_cast<const float4 *>(&tile[row][column]), row, column, shape);
        }
    }

    // Number of the destination pixel of a place.
    __device__ __forceinline__ int pixel(int number, const CorrelationShape &shape) const {
        Place place(phase, number);
        int row = phase.rows.first + place.y * phase.rows.spacing;
        int col = phase.cols.first + place.x * phase.cols.spacing;
        return (place.sample * shape.destination_h + row) * shape.destination_w + col;
    }
};

// Reads ROWS x DEPTH values of x. A thread reads four neighbouring terms of
// every 32nd row, so that four lanes read 64 neighbouring bytes.
template <int ROWS>
struct SourceTile {
    static constexpr int READS = ROWS * DEPTH / 4 / CORRELATION_THREADS;
    static constexpr int APART = CORRELATION_THREADS / 4;

    const float *x;
    const Phase &phase;
    int source_h, source_w, pitch, channels;
    // Tap and channel of this thread's first term; jy is beyond the taps when
    // the terms are over.
    int jy, jx, c;
    // Of every row: the pixel of tap 0, and the index of its first channel, which
    // is of use only where the pixel is inside.
    int top[READS], left[READS], first[READS];
    float4 values[READS];

    __device__ __forceinline__ static int row(int read) { return threadIdx.x / 4 + read * APART; }
    __device__ __forceinline__ static int term() { return threadIdx.x % 4 * 4; }

    __device__ __forceinline__ SourceTile(const float *source, const CorrelationBlock &block,
                                          const CorrelationShape &shape)
        : x(source), phase(block.phase) {
        source_h = shape.source_h, source_w = shape.source_w;
        channels = shape.channels, pitch = shape.groups * channels;
        int tap = (block.begin + term()) / channels;
        c = block.begin + term() - tap * channels;
        jy = phase.cols.taps > 0 ? tap / phase.cols.taps : 0;
        jx = tap - jy * phase.cols.taps;
#pragma unroll
        for (int i = 0; i < READS; ++i) {
            int number = block.first_row + row(i);
            Place place(phase, min(number, block.rows - 1));
            top[i] = place.y * phase.rows.step + phase.rows.offset;
            left[i] = place.x * phase.cols.step + phase.cols.offset;
            int pixel = (place.sample * source_h + top[i]) * source_w + left[i];
            first[i] = pixel * pitch + block.group * channels;
        }
    }

    __device__ __forceinline__ void advance(int terms) {
        c += terms;
        while (c >= channels) {
            c -= channels;
            if (++jx == phase.cols.taps) jx = 0, ++jy;
        }
    }

    // The values of the current term in all rows, and of the three after it if T
    // is float4; zero outside the source.
    template <typename T, typename Take>
    __device__ __forceinline__ void read(Take take) const {
        int down = jy * phase.rows.tap_step, right = jx * phase.cols.tap_step;
        int shift = (down * source_w + right) * pitch + c;
#pragma unroll
        for (int i = 0; i < READS; ++i) {
            int row = top[i] + down, col = left[i] + right;
            bool inside = jy < phase.rows.taps && row >= 0 && row < source_h && col >= 0 && col < source_w;
            take(i, inside ? *reinterpret_cast<const T *>(x + first[i] + shift) : T{});
        }
    }

    // Reads the next DEPTH terms.
    __device__ __forceinline__ void fetch() {
        if (channels % 4 == 0) {
            read<float4>([&](int i, float4 value) { values[i] = value; });
            advance(DEPTH);
        } else {
            for (int term = 0; term < 4; ++term) {
                // Each of the four values moves one place to the left.
                read<float>([&](int i, float value) {
                    float4 &v = values[i];
                    v = make_float4(v.y, v.z, v.w, value);
                });
                advance(1);
            }
            advance(DEPTH - 4);
        }
    }
};

// Reads DEPTH x 64 weights. A thread reads eight neighbouring outputs of one
// term. PITCH is the length of a term's row in shared memory.
template <typename W, int PITCH>
struct WeightTile {
    static constexpr int PACKS = 8 / Pack<W>::LENGTH;

    const W *w;
    // The term that is read next, and where its weights are.
    int k, at;
    int end, pitch;
    Pack<W> packs[PACKS];

    __device__ __forceinline__ WeightTile(const W *weights, const CorrelationBlock &block,
                                          const CorrelationShape &shape)
        : w(weights), end(block.end), pitch(shape.outputs_padded) {
        k = block.begin + threadIdx.x / 8;
        int output = block.first_output + threadIdx.x % 8 * 8;
        at = block.first_weight(shape) + k * pitch + output;
        if (output >= pitch) end = 0;
    }

    __device__ __forceinline__ void fetch() {
#pragma unroll
        for (int i = 0; i < PACKS; ++i)
            packs[i] = k < end ? load_pack(w + at + i * Pack<W>::LENGTH) : Pack<W>{make_uint4(0, 0, 0, 0)};
        k += DEPTH;
        at += DEPTH * pitch;
    }

    __device__ __forceinline__ void store(float (*tile)[PITCH]) const {
        float *to = &tile[threadIdx.x / 8][threadIdx.x % 8 * 8];
#pragma unroll
        for (int i = 0; i < 8; i += 4) {
            const Pack<W> &pack = packs[i / Pack<W>::LENGTH];
            int at = i % Pack<W>::LENGTH;
            *reinterpret_cast<float4 *>(to + i) =
                make_float4(pack.get(at), pack.get(at + 1), pack.get(at + 2), pack.get(at + 3));
        }
    }
};

// The arguments of every correlation, for weights of a type.
#define CORRELATION_PARAMETERS(type)                                                                               \
    const float *__restrict__ x, const type *__restrict__ w, const float *__restrict__ bias,                       \
        const float *__restrict__ mask, float *__restrict__ y, float *__restrict__ partials,                       \
        const Phase *__restrict__ phases, CorrelationShape shape
