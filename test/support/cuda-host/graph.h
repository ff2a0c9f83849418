// Graphs of several operations, for cudnn.cpp, of which it takes one pattern: an attention, as the real one knows it. What lies between operations is in no
// memory that anybody gave.

enum { POINTWISE = 0, MATMUL = 18, OF_POINTWISE = 13, OF_MATMUL = 19, REDUCTION = 21, OF_REDUCTION = 22 };
enum { IS_VIRTUAL = 907, IS_BY_VALUE = 908 };
enum { ADD = 0, MUL = 1, DIV = 6, SUB = 9, EXP = 13, LOG = 15, SUM = 0, MAX = 3 };

struct Values {
  int64_t dims[4];
  std::vector<float> all;
  // Of an element, or of the only one along an axis.
  float at(const int64_t *place) const {
    int64_t i = 0;
    for (int axis = 0; axis < 4; axis++) i = i * dims[axis] + (dims[axis] == 1 ? 0 : place[axis]);
    return all[i];
  }
};

static void each_place(const int64_t *dims, const std::function<void(const int64_t *)> &visit) {
  int64_t at[4];
  for (at[0] = 0; at[0] < dims[0]; at[0]++)
    for (at[1] = 0; at[1] < dims[1]; at[1]++)
      for (at[2] = 0; at[2] < dims[2]; at[2]++)
        for (at[3] = 0; at[3] < dims[3]; at[3]++) visit(at);
}

struct Operation {
  int type, mode;
  int64_t x, y, to;
};
struct GraphWork {
  std::vector<Operation> operations;
  std::map<int64_t, Tensor> tensors;
  std::map<int64_t, float> scalars;
  bool is_tf32, is_wrong;
};

static const Descriptor *part(const Descriptor &of, int pointwise, int matmul, int reduction) {
  const int name = of.type == OF_POINTWISE ? pointwise : of.type == OF_MATMUL ? matmul : reduction;
  return name && of.values.count(name) ? of.to(name) : nullptr;
}
static const Descriptor *left_of(const Descriptor &it) { return part(it, 751, 1520, 1610); }
static const Descriptor *right_of(const Descriptor &it) { return part(it, 752, 1521, 0); }
static const Descriptor *result_of(const Descriptor &it) { return part(it, 753, 1522, 1611); }
static int mode_of(const Descriptor &it) {
  const Descriptor *by = part(it, 750, 1523, 1612);
  return it.type == OF_MATMUL ? 0 : by->at(by->type == REDUCTION ? 1600 : 0);
}

static int check_part(const Descriptor &it) {
  const Descriptor *x = left_of(it), *y = right_of(it), *to = result_of(it), *by = part(it, 750, 1523, 1612);
  for (const Descriptor *one : {x, to, by})
    if (!one || !one->is_final) return NOT_FINALIZED;
  if (y && !y->is_final) return NOT_FINALIZED;
  auto dim = [](const Descriptor *of, int axis) { return of->at(902, axis); };
  for (int axis = 0; axis < 4; axis++) {
    if (it.type == OF_MATMUL && axis < 2 && (dim(x, axis) != dim(to, axis) || dim(y, axis) != dim(to, axis))) return SHAPE_MISMATCH;
    if (it.type == OF_POINTWISE && (dim(x, axis) != dim(to, axis) || (y && dim(y, axis) != dim(to, axis) && dim(y, axis) != 1))) return SHAPE_MISMATCH;
    if (it.type == OF_REDUCTION && dim(to, axis) != (axis == 3 ? 1 : dim(x, axis))) return SHAPE_MISMATCH;
  }
  if (it.type == OF_MATMUL && (dim(x, 2) != dim(to, 2) || dim(x, 3) != dim(y, 2) || dim(y, 3) != dim(to, 3))) return SHAPE_MISMATCH;
  return OK;
}

// The only pattern of several operations: products, scaled, perhaps with a bias, a softmax with its statistics, products.
static int check_pattern(const std::vector<const Descriptor *> &operations) {
  struct Kind {
    int type, mode;
  };
  std::vector<Kind> pattern = {{OF_MATMUL, 0}, {OF_POINTWISE, MUL}, {OF_POINTWISE, ADD}, {OF_REDUCTION, MAX}, {OF_POINTWISE, SUB}, {OF_POINTWISE, EXP},
                               {OF_REDUCTION, SUM}, {OF_POINTWISE, LOG}, {OF_POINTWISE, ADD}, {OF_POINTWISE, DIV}, {OF_MATMUL, 0}};
  if (operations.size() == pattern.size() - 1) pattern.erase(pattern.begin() + 2);
  if (operations.size() != pattern.size()) return NOT_SUPPORTED;
  for (size_t i = 0; i < pattern.size(); i++) {
    if (operations[i]->type != pattern[i].type || mode_of(*operations[i]) != pattern[i].mode) return NOT_SUPPORTED;
    // All but the result is nowhere.
    if (bool(result_of(*operations[i])->at(IS_VIRTUAL)) != (i + 1 < pattern.size())) return NOT_SUPPORTED;
  }
  const Descriptor *query = left_of(*operations[0]), *weights = left_of(*operations.back());
  return weights->at(901) == query->at(901) && query->at(903, 3) == 1 ? OK : NOT_SUPPORTED;
}

static void run_graph(void *given) {
  GraphWork &it = *static_cast<GraphWork *>(given);
  calls++;
  std::map<int64_t, Values> known;
  for (auto &[id, tensor] : it.tensors) {
    if (!tensor.memory) continue;
    Values &values = known[id];
    memcpy(values.dims, tensor.dims, sizeof values.dims);
    each_place(tensor.dims, [&](const int64_t *at) { values.all.push_back(loaded(tensor.memory, tensor.type, tensor.place(at[0], at[1], at[2], at[3]), it.is_tf32)); });
  }
  for (auto &[id, value] : it.scalars) known[id] = {{1, 1, 1, 1}, {value}};
  for (const Operation &operation : it.operations) {
    const Values &x = known.at(operation.x), *y = operation.y < 0 ? nullptr : &known.at(operation.y);
    const Tensor &to = it.tensors.at(operation.to);
    Values made{};
    memcpy(made.dims, to.dims, sizeof made.dims);
    each_place(to.dims, [&](const int64_t *at) {
      double value = 0;
      if (operation.type == OF_MATMUL)
        for (int64_t k = 0; k < x.dims[3]; k++) {
          const int64_t of_x[] = {at[0], at[1], at[2], k}, of_y[] = {at[0], at[1], k, at[3]};
          value += double(x.at(of_x)) * y->at(of_y);
        }
      else if (operation.type == OF_REDUCTION)
        for (int64_t k = 0; k < x.dims[3]; k++) {
          const int64_t of[] = {at[0], at[1], at[2], k};
          value = operation.mode == SUM ? value + x.at(of) : k && value > x.at(of) ? value : x.at(of);
        }
      else {
        const double a = x.at(at), b = y ? y->at(at) : 0;
        value = operation.mode == ADD ? a + b : operation.mode == MUL ? a * b : operation.mode == DIV ? a / b : operation.mode == SUB ? a - b : operation.mode == EXP ? exp(a) : log(a);
      }
      // What is handed on has the bits that its descriptor says.
      char cell[4];
      store(cell, to.type, 0, float(value));
      made.all.push_back(loaded(cell, to.type, 0, false));
      if (to.memory) store(to.memory, to.type, to.place(at[0], at[1], at[2], at[3]), float(value) + (it.is_wrong ? 1 : 0));
    });
    known[operation.to] = made;
  }
}
