// 3x3 convolution at stride 1 with a quarter of the multiplications: Winograd's F(4x4, 3x3), after Lavin and Gray (2016).
//
// numba_/winograd.py tells the idea. Here each thread changes one 6x6 tile, one filter, or one 4x4 tile of answers, all
// of it in its own registers; the 36 matrix products in between are cuBLAS's:
//
//   pixels   x (N, C, H, W)  ->  V (36, C, tiles)        tiles: of all images, row after row
//   filters  w (O, C, 3, 3)  ->  U (36, O, C)
//   cuBLAS                       M (36, O, tiles) = U V
//   answers  M, bias         ->  y (N, O, H', W')
//
// Neighbouring threads have neighbouring tiles, so that what they read and write at once lies side by side.

// B' d for 6 numbers that lie `step` apart
template <typename T>
__device__ void change_pixels(const T* d, int step, T* out) {
    T d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    T a = d4 - 4 * d2, b = d3 - 4 * d1, e = d4 - d2, f = 2 * (d3 - d1);
    out[0] = 4 * d0 - 5 * d2 + d4;
    out[1] = a + b;
    out[2] = a - b;
    out[3] = e + f;
    out[4] = e - f;
    out[5] = 4 * d1 - 5 * d3 + d5;
}

// G g for 3 weights
template <typename T>
__device__ void change_filter(T g0, T g1, T g2, T* out) {
    T a = (g0 + g2) / -6, b = g1 / 6, e = g0 / 24 + g2 / 6, f = g1 / 12;
    out[0] = g0 / 4;
    out[1] = a - b;
    out[2] = a + b;
    out[3] = e + f;
    out[4] = e - f;
    out[5] = g2;
}

// A' m for 6 products that lie `step` apart
template <typename T>
__device__ void change_back(const T* m, int step, T* out) {
    T m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step], m5 = m[5 * step];
    T a = m1 + m2, b = m1 - m2, e = m3 + m4, f = m3 - m4;
    out[0] = m0 + a + e;
    out[1] = b + 2 * f;
    out[2] = a + 4 * e;
    out[3] = b + 8 * f + m5;
}

// One thread: the tile p of channel c.
template <typename T>
__global__ void winograd_pixels(long long total, const T* x, T* v, int channels, int height, int width, int down,
                                int across, int ph, int pw) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    long long tiles = total / channels, p = t % tiles;
    int c = t / tiles, top = p / across % down * 4 - ph, left = p % across * 4 - pw;
    const T* map = x + (p / across / down * channels + c) * height * width;
    T d[36], q[36], out[6];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            int row = top + i, col = left + j;
            bool inside = row >= 0 && row < height && col >= 0 && col < width;
            d[6 * i + j] = inside ? map[(long long)row * width + col] : T(0);
        }
    for (int i = 0; i < 6; i++) change_pixels(d + 6 * i, 1, q + 6 * i);
    for (int j = 0; j < 6; j++) {
        change_pixels(q + j, 6, out);
        for (int i = 0; i < 6; i++) v[(6 * i + j) * total + t] = out[i];
    }
}

// One thread: the filter o of channel c. Backward it is turned by half a circle, and U is (36, C, O).
template <typename T>
__global__ void winograd_filters(long long total, const T* w, T* u, int channels, int backward) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    long long to = backward ? t % channels * (total / channels) + t / channels : t;
    const T* g = w + 9 * t;
    T q[18], out[6];
    for (int i = 0; i < 3; i++) {
        const T* row = g + 3 * (backward ? 2 - i : i);
        change_filter(row[backward ? 2 : 0], row[1], row[backward ? 0 : 2], q + 6 * i);
    }
    for (int j = 0; j < 6; j++) {
        change_filter(q[j], q[6 + j], q[12 + j], out);
        for (int i = 0; i < 6; i++) u[(6 * i + j) * total + to] = out[i];
    }
}

// One thread: the tile p of filter o.
template <typename T>
__global__ void winograd_answers(long long total, const T* m, const T* b, T* y, int filters, int high, int wide,
                                 int down, int across, int relu) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    long long tiles = total / filters, p = t % tiles;
    int o = t / tiles, top = p / across % down * 4, left = p % across * 4;
    T* map = y + (p / across / down * filters + o) * high * wide;
    T d[36], q[24], out[4];
    for (int place = 0; place < 36; place++) d[place] = m[place * total + t];
    for (int i = 0; i < 6; i++) change_back(d + 6 * i, 1, q + 4 * i);
    for (int j = 0; j < 4 && left + j < wide; j++) {
        change_back(q + j, 4, out);
        for (int i = 0; i < 4 && top + i < high; i++) {
            T value = out[i] + b[o];
            map[(long long)(top + i) * wide + left + j] = relu && value <= 0 ? T(0) : value;  // a NaN stays
        }
    }
}
