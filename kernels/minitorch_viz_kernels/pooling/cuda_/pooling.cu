// Pooling on the GPU: one thread for each window (forward) or each pixel (backward). See convolution/cuda_/columns.cu for the rules.

// x (M, H, W) -> y and won (M, H', W'), M = N * C maps
template <typename T>
__global__ void maxpool(long long total, const T* x, T* y, int* won, int height, int width, int high, int wide, int kh,
                        int kw, int sh, int sw, int ph, int pw) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    int j = t % wide, i = t / wide % high;
    const T* map = x + t / wide / high * height * width;
    int top = max(0, i * sh - ph), bottom = min(height, i * sh - ph + kh);
    int left = max(0, j * sw - pw), right = min(width, j * sw - pw + kw);
    int place = top * width + left;
    T best = map[place];
    for (int row = top; row < bottom; row++)
        for (int col = left; col < right; col++) {
            T value = map[row * width + col];
            if (value > best || (value != value && best == best)) {  // a NaN differs from itself
                best = value;
                place = row * width + col;
            }
        }
    y[t] = best;
    won[t] = place;
}

// dy (N, C, windows), won (N or 1, C, windows) -> dx (N, C, pixels)
//
// One thread for each map, which walks its windows. A thread for each pixel would have to search all switches of its
// map, since they do not tell the windows' geometry. So the cost is H' * W' steps in a row on N * C threads: a few
// milliseconds for a large map, little beside a convolution, and every sum is in reading order.
template <typename T>
__global__ void maxpool_dx(long long total, const T* dy, const int* won, T* dx, int windows, int pixels,
                           int maps_of_won) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    const T* gradient = dy + t * windows;
    const int* place = won + t % maps_of_won * windows;
    T* map = dx + t * pixels;
    for (int p = 0; p < pixels; p++) map[p] = 0;
    for (int p = 0; p < windows; p++) map[place[p]] += gradient[p];
}

// How many places of a window count, along one axis.
__device__ inline int counted(int start, int kernel, int size, int padding, int include_pad) {
    if (include_pad) return min(start + kernel, size + padding) - start;
    return min(start + kernel, size) - max(start, 0);
}

// x (M, H, W) -> y (M, H', W')
template <typename T>
__global__ void avgpool(long long total, const T* x, T* y, int height, int width, int high, int wide, int kh, int kw,
                        int sh, int sw, int ph, int pw, int include_pad) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    int j = t % wide, i = t / wide % high;
    const T* map = x + t / wide / high * height * width;
    int top = i * sh - ph, left = j * sw - pw;
    T sum = 0;
    for (int row = max(0, top); row < min(height, top + kh); row++)
        for (int col = max(0, left); col < min(width, left + kw); col++) sum += map[row * width + col];
    y[t] = sum / (T)(counted(top, kh, height, ph, include_pad) * counted(left, kw, width, pw, include_pad));
}

// dy (M, H', W') -> dx (M, H, W). The windows that hold a row start at most kh - 1 rows above it.
template <typename T>
__global__ void avgpool_dx(long long total, const T* dy, T* dx, int height, int width, int high, int wide, int kh,
                           int kw, int sh, int sw, int ph, int pw, int include_pad) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    int col = t % width, row = t / width % height;
    const T* map = dy + t / width / height * high * wide;
    int first_i = max(0, (row + ph - kh + sh) / sh), last_i = min(high - 1, (row + ph) / sh);
    int first_j = max(0, (col + pw - kw + sw) / sw), last_j = min(wide - 1, (col + pw) / sw);
    T sum = 0;
    for (int i = first_i; i <= last_i; i++)
        for (int j = first_j; j <= last_j; j++)
            sum += map[i * wide + j] / (T)(counted(i * sh - ph, kh, height, ph, include_pad) *
                                           counted(j * sw - pw, kw, width, pw, include_pad));
    dx[t] = sum;
}
