// Names that blocks do not use: what the languages that print them, WGSL and CUDA C++, have words or helpers for.

const WORDS = [
  // WGSL: built-ins and helpers that generated code calls, keywords, and the words that it reserves.
  `abs all any array atomic bitcast bool ceil clamp cos dot erf exp f16 f32 floor fma group i32 infinity inverseSqrt is_nan lane larger local_index
     log main max min mat4x4f not_equal pow real_pow round select sign sign_of sin smaller sqrt stable_tanh storage storageBarrier step subgroupAdd
     subgroupAny subgroupBroadcast subgroupMax subgroupMin subgroupShuffle subgroup_larger subgroup_smaller tanh texture threefry threefry_rounds trunc u32 uniform vec2 vec2f vec2u vec3 vec3u vec4 vec4f vec4i
     workgroup workgroupBarrier workgroupUniformLoad workgroup_id infinity_bits
     alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop override private ptr
     requires return struct switch true var while
     NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class co_await co_return co_yield
     coherent column_major common compile compile_fragment concept const_cast consteval constexpr constinit crate debugger decltype delete demote
     demote_to_helper do dynamic_cast enum explicit export extends extern external fallthrough filter final finally friend from fxgroup get goto
     groupshared highp impl implements import inline instanceof interface layout lowp macro macro_rules match mediump meta mod module move mut mutable
     namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of operator package packoffset partition
     pass patch pixelfragment precise precision premerge priv protected pub public readonly ref regardless register reinterpret_cast require resource
     restrict self set shared sizeof smooth snorm static static_assert static_cast std subroutine super target template this thread_local throw trait
     try type typedef typeid typename typeof union unless unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield`,
  // C++, what CUDA has without a header, and the helpers of codegen/cuda/prelude.ts.
  `and_eq and bitand bitor compl not not_eq or or_eq xor xor_eq char char8_t char16_t char32_t double float int long short signed unsigned void
     wchar_t bool typedef thread_local threadIdx blockIdx blockDim gridDim warpSize make_float4 make_int4 make_uint4 float4 int4 uint4 char4
     half fabsf expf logf sqrtf rsqrtf tanhf erff sinf cosf floorf ceilf powf lanes_sum lanes_max lanes_min
     asm_volatile main inline linux unix errno stdin stdout stderr NAN INFINITY assert`,
];

export const RESERVED: ReadonlySet<string> = new Set(WORDS.flatMap((words) => words.split(/\s+/)));
