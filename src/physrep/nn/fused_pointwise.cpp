// The pointwise half of a ConvNeXt block on a CPU: out = x + gamma * (W2 gelu(W1 layer_norm(y) + b1) + b2), and its
// gradients. Positions are worked through in tiles that stay in cache, so the hidden layer, four times as wide as the
// block, is never written to memory; the backward pass computes it again. Plain C++ with vectors of the compiler; the
// width of a vector follows from the target (AVX-512, else AVX2). Channels are a multiple of 16.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

#ifdef __AVX512F__
constexpr int VL = 16, PANEL = 64;  // floats per vector; columns of a panel of the hidden layer
#else
constexpr int VL = 8, PANEL = 16;
#endif
constexpr int TILE = 48;  // positions per tile: a multiple of all row blocks below

typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));

inline vf load(const float* p) { vf v; std::memcpy(&v, p, sizeof v); return v; }
inline void store(float* p, vf v) { std::memcpy(p, &v, sizeof v); }
inline vf splat(float x) { return vf{} + x; }
inline float sum(vf v) { float s = 0; for (int i = 0; i < VL; i++) s += v[i]; return s; }

// exp(-v) for v >= 0, right to 2e-7 relative.
inline vf exp_minus(vf v) {
  v = v > 87.0f ? splat(87.0f) : v;
  const vf scaled = v * -1.44269504088896341f;
  const vf shifted = scaled + 12582912.0f;  // 1.5 * 2^23: rounds to an integer
  const vf n = shifted - 12582912.0f;
  const vf r = (v * -1.0f - n * 0.693359375f) - n * -2.12194440e-4f;
  vf p = splat(1.0f / 5040);
  p = p * r + 1.0f / 720; p = p * r + 1.0f / 120; p = p * r + 1.0f / 24; p = p * r + 1.0f / 6; p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  const vi bits = (__builtin_convertvector(n, vi) + 127) << 23;
  vf power; std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

// gelu(u) = u Phi(u) and its derivative Phi(u) + u phi(u); the error function by formula 7.1.26 of Abramowitz and Stegun
// (absolute error 1.5e-7), which shares the exponential with phi.
inline vf gelu(vf u, vf* derivative) {
  const vf e = exp_minus(u * u * 0.5f);
  const vf a = u < 0.0f ? -u : u;
  const vf t = 1.0f / (1.0f + a * (0.3275911f * 0.70710678118654752f));
  const vf tail = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t * e;
  const vf phi = u < 0.0f ? 0.5f * tail : 1.0f - 0.5f * tail;
  if (derivative) *derivative = phi + u * e * 0.39894228040143268f;
  return u * phi;
}

// C[MR x NV vectors] (+)= A B. A is read in `panels` groups of `inner` columns, `skip` apart, row stride lda; transposed,
// A[k][r]. B has `ldb` floats per row of k.
template <int MR, int NV, bool TRANSPOSED>
inline void block(int panels, int inner, const float* a, int lda, long skip, const float* b, int ldb, float* c, int ldc,
                  bool add) {
  vf acc[MR][NV];
  for (int r = 0; r < MR; r++)
    for (int v = 0; v < NV; v++) acc[r][v] = add ? load(c + (long)r * ldc + v * VL) : vf{};
  for (int p = 0; p < panels; p++, a += skip)
    for (int k = 0; k < inner; k++, b += ldb) {
      vf row[NV];
      for (int v = 0; v < NV; v++) row[v] = load(b + v * VL);
      for (int r = 0; r < MR; r++) {
        const float value = TRANSPOSED ? a[(long)k * lda + r] : a[(long)r * lda + k];
        for (int v = 0; v < NV; v++) acc[r][v] += value * row[v];
      }
    }
  for (int r = 0; r < MR; r++)
    for (int v = 0; v < NV; v++) store(c + (long)r * ldc + v * VL, acc[r][v]);
}

template <int MR, int NV, bool T>
void rows_of(int rows, int panels, int inner, const float* a, int lda, long skip, const float* b, int ldb, float* c,
             int ldc, bool add) {
  for (int r = 0; r < rows; r += MR)
    block<MR, NV, T>(panels, inner, a + (T ? r : (long)r * lda), lda, skip, b, ldb, c + (long)r * ldc, ldc, add);
}

// One panel of columns, `width` floats wide: as many rows at a time as registers hold.
void product(int rows, int width, int panels, int inner, const float* a, int lda, long skip, const float* b, int ldb,
             float* c, int ldc) {
  switch (width / VL) {
    case 1: rows_of<12, 1, false>(rows, panels, inner, a, lda, skip, b, ldb, c, ldc, false); break;
#ifdef __AVX512F__
    case 2: rows_of<12, 2, false>(rows, panels, inner, a, lda, skip, b, ldb, c, ldc, false); break;
    case 3: rows_of<8, 3, false>(rows, panels, inner, a, lda, skip, b, ldb, c, ldc, false); break;
    default: rows_of<6, 4, false>(rows, panels, inner, a, lda, skip, b, ldb, c, ldc, false);
#else
    default: rows_of<6, 2, false>(rows, panels, inner, a, lda, skip, b, ldb, c, ldc, false);
#endif
  }
}

// C[rows x width] += A^T B over the positions of a tile.
void outer(int rows, int width, int positions, const float* a, int lda, const float* b, int ldb, float* c, int ldc) {
  switch (width / VL) {
    case 1: rows_of<8, 1, true>(rows, 1, positions, a, lda, 0, b, ldb, c, ldc, true); break;
#ifdef __AVX512F__
    case 2: rows_of<8, 2, true>(rows, 1, positions, a, lda, 0, b, ldb, c, ldc, true); break;
    case 3: rows_of<8, 3, true>(rows, 1, positions, a, lda, 0, b, ldb, c, ldc, true); break;
    default: rows_of<4, 4, true>(rows, 1, positions, a, lda, 0, b, ldb, c, ldc, true);
#else
    default: rows_of<4, 2, true>(rows, 1, positions, a, lda, 0, b, ldb, c, ldc, true);
#endif
  }
}

// Panels of a matrix m[n][k] (or, transposed, m[k][n]): out[panel][k][column], each row of k scaled by scale[k].
void pack(const float* m, int n, int k, bool transposed, const float* scale, std::vector<float>& out) {
  out.resize((size_t)n * k);
  float* to = out.data();
  for (int first = 0; first < n; first += PANEL) {
    const int width = n - first < PANEL ? n - first : PANEL;
    for (int row = 0; row < k; row++)
      for (int j = 0; j < width; j++) {
        const float value = transposed ? m[(size_t)row * n + first + j] : m[(size_t)(first + j) * k + row];
        *to++ = scale ? value * scale[row] : value;
      }
  }
}

struct Work {
  std::vector<float> plain, normed, hidden, slope, out, rstd;
  explicit Work(int d)
      : plain(TILE * d), normed(TILE * d), hidden(TILE * 4 * d), slope(TILE * 4 * d), out(TILE * d), rstd(TILE) {}
};

// Layer norm of a tile: (y - mean) / std in plain, with weight and bias in normed. Rows beyond count are zero.
void normalise(const float* y, int count, int d, const float* weight, const float* bias, float eps, Work& w) {
  for (int r = 0; r < TILE; r++) {
    float *plain = &w.plain[(size_t)r * d], *normed = &w.normed[(size_t)r * d];
    if (r >= count) {
      std::memset(plain, 0, d * 4); std::memset(normed, 0, d * 4);
      w.rstd[r] = 0;
      continue;
    }
    const float* row = y + (size_t)r * d;
    vf total{};
    for (int j = 0; j < d; j += VL) total += load(row + j);
    const float mean = sum(total) / d;
    vf squares{};
    for (int j = 0; j < d; j += VL) { const vf c = load(row + j) - mean; squares += c * c; }
    const float rstd = 1.0f / std::sqrt(sum(squares) / d + eps);
    w.rstd[r] = rstd;
    for (int j = 0; j < d; j += VL) {
      const vf c = (load(row + j) - mean) * rstd;
      store(plain + j, c);
      store(normed + j, c * load(weight + j) + load(bias + j));
    }
  }
}

// Hidden layer of a tile in panels: gelu(W1 normed + b1), and the slope of gelu where it is asked for.
void expand(int d, const std::vector<float>& w1, const float* b1, bool slopes, Work& w) {
  const int wide = 4 * d;
  for (int first = 0; first < wide; first += PANEL) {
    float *hidden = &w.hidden[(size_t)first * TILE], *slope = &w.slope[(size_t)first * TILE];
    product(TILE, PANEL, 1, d, w.normed.data(), d, 0, &w1[(size_t)first * d], PANEL, hidden, PANEL);
    for (int r = 0; r < TILE; r++)
      for (int j = 0; j < PANEL; j += VL) {
        const int at = r * PANEL + j;
        vf derivative;
        const vf u = load(hidden + at) + load(b1 + first + j);
        store(hidden + at, gelu(u, slopes ? &derivative : nullptr));
        if (slopes) store(slope + at, derivative);
      }
  }
}

}  // namespace

extern "C" {

// Shapes: x, y, out (n, d); ln_w, ln_b, b2, gamma (d); w1 (4d, d); b1 (4d); w2 (d, 4d).
void forward(long n, int d, const float* x, const float* y, const float* ln_w, const float* ln_b, float eps,
             const float* w1, const float* b1, const float* w2, const float* b2, const float* gamma, float* out,
             int threads) {
  std::vector<float> up, down;
  pack(w1, 4 * d, d, false, nullptr, up);
  pack(w2, d, 4 * d, false, nullptr, down);
  const long tiles = (n + TILE - 1) / TILE;
#pragma omp parallel num_threads(threads)
  {
    Work w(d);
#pragma omp for schedule(static)
    for (long tile = 0; tile < tiles; tile++) {
      const long start = tile * TILE;
      const int count = n - start < TILE ? (int)(n - start) : TILE;
      normalise(y + start * d, count, d, ln_w, ln_b, eps, w);
      expand(d, up, b1, false, w);
      for (int first = 0; first < d; first += PANEL) {
        const int width = d - first < PANEL ? d - first : PANEL;
        product(TILE, width, 4 * d / PANEL, PANEL, w.hidden.data(), PANEL, (long)TILE * PANEL,
                &down[(size_t)first * 4 * d], width, &w.out[first], d);
      }
      for (int r = 0; r < count; r++)
        for (int j = 0; j < d; j += VL) {
          const long at = (start + r) * d + j;
          const vf z = load(&w.out[(size_t)r * d + j]) + load(b2 + j);
          store(out + at, load(x + at) + load(gamma + j) * z);
        }
    }
  }
}

// Gradients of y and of all weights, from that of out; the gradient of x is that of out. Every thread sums its own tiles
// and the sums are added in the order of threads: the same result for the same number of threads.
void backward(long n, int d, const float* dout, const float* y, const float* ln_w, const float* ln_b, float eps,
              const float* w1, const float* b1, const float* w2, const float* b2, const float* gamma, float* dy,
              float* dln_w, float* dln_b, float* dw1, float* db1, float* dw2, float* db2, float* dgamma, int threads) {
  const int wide = 4 * d;
  std::vector<float> up, back, narrow;
  pack(w1, wide, d, false, nullptr, up);
  pack(w2, wide, d, true, gamma, back);       // rows of w2 times gamma
  pack(w1, d, wide, true, nullptr, narrow);
  const long tiles = (n + TILE - 1) / TILE;
  const size_t size = (size_t)2 * wide * d + wide + 3 * (size_t)d;
  std::vector<std::vector<float>> sums(threads);
#pragma omp parallel num_threads(threads)
  {
    Work w(d);
    std::vector<float> grad((size_t)TILE * d), narrowed((size_t)TILE * d), change((size_t)TILE * wide);
#pragma omp for schedule(static, 1)
    for (int own = 0; own < threads; own++) {
      std::vector<float>& total = sums[own];
      total.assign(size, 0.0f);
      float *s1 = total.data(), *s2 = s1 + (size_t)wide * d, *sb1 = s2 + (size_t)wide * d, *sb2 = sb1 + wide,
            *sw = sb2 + d, *sb = sw + d;
      for (long tile = tiles * own / threads; tile < tiles * (own + 1) / threads; tile++) {
        const long start = tile * TILE;
        const int count = n - start < TILE ? (int)(n - start) : TILE;
        normalise(y + start * d, count, d, ln_w, ln_b, eps, w);
        expand(d, up, b1, true, w);
        std::memset(grad.data(), 0, grad.size() * 4);
        std::memcpy(grad.data(), dout + start * d, (size_t)count * d * 4);
        for (int first = 0; first < wide; first += PANEL) {
          float *du = &change[(size_t)first * TILE], *slope = &w.slope[(size_t)first * TILE];
          product(TILE, PANEL, 1, d, grad.data(), d, 0, &back[(size_t)first * d], PANEL, du, PANEL);
          for (int j = 0; j < PANEL; j += VL) {
            vf bias{};
            for (int r = 0; r < TILE; r++) {
              const vf value = load(du + r * PANEL + j) * load(slope + r * PANEL + j);
              store(du + r * PANEL + j, value);
              bias += value;
            }
            store(sb1 + first + j, load(sb1 + first + j) + bias);
          }
          for (int q = 0; q < d; q += PANEL) {
            const int width = d - q < PANEL ? d - q : PANEL;
            outer(PANEL, width, TILE, du, PANEL, &w.normed[q], d, s1 + (size_t)first * d + q, d);
          }
          outer(d, PANEL, TILE, grad.data(), d, &w.hidden[(size_t)first * TILE], PANEL, s2 + first, wide);
        }
        for (int first = 0; first < d; first += PANEL) {
          const int width = d - first < PANEL ? d - first : PANEL;
          product(TILE, width, wide / PANEL, PANEL, change.data(), PANEL, (long)TILE * PANEL,
                  &narrow[(size_t)first * wide], width, &narrowed[first], d);
        }
        for (int r = 0; r < count; r++) {
          const float *dn = &narrowed[(size_t)r * d], *plain = &w.plain[(size_t)r * d], *g = &grad[(size_t)r * d];
          vf first{}, second{};
          for (int j = 0; j < d; j += VL) {
            const vf c = load(dn + j), p = load(plain + j), scaled = c * load(ln_w + j);
            store(sw + j, load(sw + j) + c * p);
            store(sb + j, load(sb + j) + c);
            store(sb2 + j, load(sb2 + j) + load(g + j));
            first += scaled;
            second += scaled * p;
          }
          const float mean = sum(first) / d, slope = sum(second) / d;
          for (int j = 0; j < d; j += VL)
            store(dy + (start + r) * d + j, (load(dn + j) * load(ln_w + j) - mean - load(plain + j) * slope) * w.rstd[r]);
        }
      }
    }
  }
  for (int own = 1; own < threads; own++)
    for (size_t i = 0; i < size; i++) sums[0][i] += sums[own][i];
  const float *s1 = sums[0].data(), *s2 = s1 + (size_t)wide * d, *sb1 = s2 + (size_t)wide * d, *sb2 = sb1 + wide,
              *sw = sb2 + d, *sb = sw + d;
  std::memcpy(dw1, s1, (size_t)wide * d * 4);
  std::memcpy(db1, sb1, wide * 4);
  std::memcpy(dln_w, sw, d * 4);
  std::memcpy(dln_b, sb, d * 4);
  // With Q = dout^T hidden: dW2 = gamma Q, and the output of W2, which gamma's gradient wants, is not needed for itself.
  for (int i = 0; i < d; i++) {
    double total = (double)b2[i] * sb2[i];
    for (int k = 0; k < wide; k++) {
      dw2[(size_t)i * wide + k] = gamma[i] * s2[(size_t)i * wide + k];
      total += (double)w2[(size_t)i * wide + k] * s2[(size_t)i * wide + k];
    }
    dgamma[i] = (float)total;
    db2[i] = gamma[i] * sb2[i];
  }
}

}  // extern "C"
