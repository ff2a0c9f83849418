/*
kernel conv_weight_gradient(b < 2, m < 8, n < 27) {
  read dy: f32[3200]
  read x: f32[1200]
  write dw: f32[432]
  %0 = contract k < 200 of dy[((b*2 + k/100)*8 + m)*100 + k%100] . 0 <= k/10%10 + n/3%3 - 1 && k/10%10 + n/3%3 - 1 < 10 && (0 <= k%10 + n%3 - 1 && k%10 + n%3 - 1 < 10) ? x[((b*2 + k/100)*3 + n/9)*100 + ((k/10%10 + n/3%3 - 1)*10 + (k%10 + n%3 - 1))] : 0
  dw[(b*8 + m)*27 + n] = %0
}
grid 2,1,1
*/
// conv_weight_gradient
extern "C" __global__ void __launch_bounds__(64, 1) conv_weight_gradient_9c1efe70(const float *__restrict__ dy, const float *__restrict__ x, float *__restrict__ dw) {
  __shared__ float4 left[432];
  __shared__ float4 right[432];
  const int tile_n = 0;
  const int tile_m = 0;
  const int thread_n = int(threadIdx.x) % 8;
  const int thread_m = int(threadIdx.x) / 8;
  const int batch = int(blockIdx.x);
  float4 c_0_0 = make_float4(0, 0, 0, 0);
  float4 c_1_0 = make_float4(0, 0, 0, 0);
  float4 c_2_0 = make_float4(0, 0, 0, 0);
  float4 c_3_0 = make_float4(0, 0, 0, 0);
  const int i = int(unsigned(int(threadIdx.x)) % 16u);
  const int i_1 = int(unsigned(int(threadIdx.x)) / 16u);
  const int i_2 = batch * 2;
  {
    for (int quad = i_1; quad < 8; quad += 4) {
      const int m = smaller(tile_m + (quad * 4), 7);
      const int m_1 = smaller((tile_m + (quad * 4)) + 1, 7);
      const int m_2 = smaller((tile_m + (quad * 4)) + 2, 7);
      const int m_3 = smaller((tile_m + (quad * 4)) + 3, 7);
      const int row = i;
      const int k = smaller(0 + row, 199);
      const int slot = ((row * 9) + quad) * 4;
      const unsigned v = unsigned(k);
      const int i_3 = (i_2 + int(v / 100u)) * 8;
      const int i_4 = int(v % 100u);
      const bool p = (0 + row) < 200;
      copy_aside<4>(left, slot, dy + (((i_3 + m) * 100) + i_4), p);
      copy_aside<4>(left, slot + 1, dy + (((i_3 + m_1) * 100) + i_4), p);
      copy_aside<4>(left, slot + 2, dy + (((i_3 + m_2) * 100) + i_4), p);
      copy_aside<4>(left, slot + 3, dy + (((i_3 + m_3) * 100) + i_4), p);
    }
    for (int quad_1 = i_1; quad_1 < 8; quad_1 += 4) {
      const int n = smaller(tile_n + (quad_1 * 4), 26);
      const int n_1 = smaller((tile_n + (quad_1 * 4)) + 1, 26);
      const int n_2 = smaller((tile_n + (quad_1 * 4)) + 2, 26);
      const int n_3 = smaller((tile_n + (quad_1 * 4)) + 3, 26);
      const unsigned v_3 = unsigned(n);
      const int i_10 = int(v_3 / 9u);
      const int i_12 = int(unsigned(int(v_3 / 3u)) % 3u);
      const int i_15 = int(v_3 % 3u);
      const unsigned v_4 = unsigned(n_1);
      const int i_18 = int(v_4 / 9u);
      const int i_19 = int(unsigned(int(v_4 / 3u)) % 3u);
      const int i_21 = int(v_4 % 3u);
      const unsigned v_5 = unsigned(n_2);
      const int i_23 = int(v_5 / 9u);
      const int i_24 = int(unsigned(int(v_5 / 3u)) % 3u);
      const int i_26 = int(v_5 % 3u);
      const unsigned v_6 = unsigned(n_3);
      const int i_28 = int(v_6 / 9u);
      const int i_29 = int(unsigned(int(v_6 / 3u)) % 3u);
      const int i_31 = int(v_6 % 3u);
      const int row_1 = i;
      const int k_1 = smaller(0 + row_1, 199);
      const int i_5 = row_1 * 9;
      const int i_6 = i_5 + quad_1;
      const int slot_1 = i_6 * 4;
      const unsigned v_1 = unsigned(k_1);
      const unsigned v_2 = v_1 / 100u;
      const int i_7 = int(v_2);
      const int i_8 = i_2 + i_7;
      const int i_9 = i_8 * 3;
      const int i_11 = int(unsigned(int(v_1 / 10u)) % 10u);
      const int i_13 = (i_11 + i_12) - 1;
      const int i_14 = int(v_1 % 10u);
      const int i_16 = (i_14 + i_15) - 1;
      const int i_17 = 0 + row_1;
      const bool p_1 = i_17 < 200;
      copy_aside<4>(right, slot_1, x + ((((i_9 + i_10) * 100) + (i_13 * 10)) + i_16), p_1 & (((0 <= i_13) & (i_13 < 10)) & ((0 <= i_16) & (i_16 < 10))));
      const int i_20 = (i_11 + i_19) - 1;
      const int i_22 = (i_14 + i_21) - 1;
      copy_aside<4>(right, slot_1 + 1, x + ((((i_9 + i_18) * 100) + (i_20 * 10)) + i_22), p_1 & (((0 <= i_20) & (i_20 < 10)) & ((0 <= i_22) & (i_22 < 10))));
      const int i_25 = (i_11 + i_24) - 1;
      const int i_27 = (i_14 + i_26) - 1;
      copy_aside<4>(right, slot_1 + 2, x + ((((i_9 + i_23) * 100) + (i_25 * 10)) + i_27), p_1 & (((0 <= i_25) & (i_25 < 10)) & ((0 <= i_27) & (i_27 < 10))));
      const int i_30 = (i_11 + i_29) - 1;
      const int i_32 = (i_14 + i_31) - 1;
      copy_aside<4>(right, slot_1 + 3, x + ((((i_9 + i_28) * 100) + (i_30 * 10)) + i_32), p_1 & (((0 <= i_30) & (i_30 < 10)) & ((0 <= i_32) & (i_32 < 10))));
    }
  }
  end_batch();
  {
    for (int quad_2 = i_1; quad_2 < 8; quad_2 += 4) {
      const int m_4 = smaller(tile_m + (quad_2 * 4), 7);
      const int m_5 = smaller((tile_m + (quad_2 * 4)) + 1, 7);
      const int m_6 = smaller((tile_m + (quad_2 * 4)) + 2, 7);
      const int m_7 = smaller((tile_m + (quad_2 * 4)) + 3, 7);
      const int row_2 = i;
      const int i_33 = 16 + row_2;
      const int k_2 = smaller(i_33, 199);
      const int i_34 = row_2 * 9;
      const int i_35 = i_34 + quad_2;
      const int slot_2 = (i_35 + 144) * 4;
      const unsigned v_7 = unsigned(k_2);
      const unsigned v_8 = v_7 / 100u;
      const int i_36 = int(v_8);
      const int i_37 = i_2 + i_36;
      const int i_38 = i_37 * 8;
      const int i_39 = i_38 + m_4;
      const int i_40 = i_39 * 100;
      const unsigned v_9 = v_7 % 100u;
      const int i_41 = int(v_9);
      const int i_42 = i_40 + i_41;
      const bool p_2 = i_33 < 200;
      copy_aside<4>(left, slot_2, dy + (i_42), p_2);
      const int i_43 = i_38 + m_5;
      const int i_44 = i_43 * 100;
      const int i_45 = i_44 + i_41;
      copy_aside<4>(left, slot_2 + 1, dy + (i_45), p_2);
      const int i_46 = i_38 + m_6;
      const int i_47 = i_46 * 100;
      const int i_48 = i_47 + i_41;
      copy_aside<4>(left, slot_2 + 2, dy + (i_48), p_2);
      const int i_49 = i_38 + m_7;
      const int i_50 = i_49 * 100;
      const int i_51 = i_50 + i_41;
      copy_aside<4>(left, slot_2 + 3, dy + (i_51), p_2);
    }
    for (int quad_3 = i_1; quad_3 < 8; quad_3 += 4) {
      const int n_4 = smaller(tile_n + (quad_3 * 4), 26);
      const int n_5 = smaller((tile_n + (quad_3 * 4)) + 1, 26);
      const int n_6 = smaller((tile_n + (quad_3 * 4)) + 2, 26);
      const int n_7 = smaller((tile_n + (quad_3 * 4)) + 3, 26);
      const unsigned v_12 = unsigned(n_4);
      const unsigned v_13 = v_12 / 9u;
      const int i_58 = int(v_13);
      const unsigned v_17 = v_12 / 3u;
      const int i_63 = int(v_17);
      const unsigned v_18 = unsigned(i_63);
      const unsigned v_19 = v_18 % 3u;
      const int i_64 = int(v_19);
      const unsigned v_21 = v_12 % 3u;
      const int i_69 = int(v_21);
      const unsigned v_22 = unsigned(n_5);
      const unsigned v_23 = v_22 / 9u;
      const int i_73 = int(v_23);
      const unsigned v_24 = v_22 / 3u;
      const int i_76 = int(v_24);
      const unsigned v_25 = unsigned(i_76);
      const unsigned v_26 = v_25 % 3u;
      const int i_77 = int(v_26);
      const unsigned v_27 = v_22 % 3u;
      const int i_81 = int(v_27);
      const unsigned v_28 = unsigned(n_6);
      const unsigned v_29 = v_28 / 9u;
      const int i_85 = int(v_29);
      const unsigned v_30 = v_28 / 3u;
      const int i_88 = int(v_30);
      const unsigned v_31 = unsigned(i_88);
      const unsigned v_32 = v_31 % 3u;
      const int i_89 = int(v_32);
      const unsigned v_33 = v_28 % 3u;
      const int i_93 = int(v_33);
      const unsigned v_34 = unsigned(n_7);
      const unsigned v_35 = v_34 / 9u;
      const int i_97 = int(v_35);
      const unsigned v_36 = v_34 / 3u;
      const int i_100 = int(v_36);
      const unsigned v_37 = unsigned(i_100);
      const unsigned v_38 = v_37 % 3u;
      const int i_101 = int(v_38);
      const unsigned v_39 = v_34 % 3u;
      const int i_105 = int(v_39);
      const int row_3 = i;
      const int i_52 = 16 + row_3;
      const int k_3 = smaller(i_52, 199);
      const int i_53 = row_3 * 9;
      const int i_54 = i_53 + quad_3;
      const int slot_3 = (i_54 + 144) * 4;
      const unsigned v_10 = unsigned(k_3);
      const unsigned v_11 = v_10 / 100u;
      const int i_55 = int(v_11);
      const int i_56 = i_2 + i_55;
      const int i_57 = i_56 * 3;
      const int i_59 = i_57 + i_58;
      const int i_60 = i_59 * 100;
      const unsigned v_14 = v_10 / 10u;
      const int i_61 = int(v_14);
      const unsigned v_15 = unsigned(i_61);
      const unsigned v_16 = v_15 % 10u;
      const int i_62 = int(v_16);
      const int i_65 = i_62 + i_64;
      const int i_66 = i_65 - 1;
      const int i_67 = i_66 * 10;
      const unsigned v_20 = v_10 % 10u;
      const int i_68 = int(v_20);
      const int i_70 = i_68 + i_69;
      const int i_71 = i_70 - 1;
      const int i_72 = (i_60 + i_67) + i_71;
      const bool p_3 = i_52 < 200;
      const bool p_4 = 0 <= i_66;
      const bool p_5 = i_66 < 10;
      const bool p_6 = p_4 & p_5;
      const bool p_7 = 0 <= i_71;
      const bool p_8 = i_71 < 10;
      const bool p_9 = p_7 & p_8;
      const bool p_10 = p_6 & p_9;
      const bool p_11 = p_3 & p_10;
      copy_aside<4>(right, slot_3, x + (i_72), p_11);
      const int i_74 = i_57 + i_73;
      const int i_75 = i_74 * 100;
      const int i_78 = i_62 + i_77;
      const int i_79 = i_78 - 1;
      const int i_80 = i_79 * 10;
      const int i_82 = i_68 + i_81;
      const int i_83 = i_82 - 1;
      const int i_84 = (i_75 + i_80) + i_83;
      const bool p_12 = 0 <= i_79;
      const bool p_13 = i_79 < 10;
      const bool p_14 = p_12 & p_13;
      const bool p_15 = 0 <= i_83;
      const bool p_16 = i_83 < 10;
      const bool p_17 = p_15 & p_16;
      const bool p_18 = p_14 & p_17;
      const bool p_19 = p_3 & p_18;
      copy_aside<4>(right, slot_3 + 1, x + (i_84), p_19);
      const int i_86 = i_57 + i_85;
      const int i_87 = i_86 * 100;
      const int i_90 = i_62 + i_89;
      const int i_91 = i_90 - 1;
      const int i_92 = i_91 * 10;
      const int i_94 = i_68 + i_93;
      const int i_95 = i_94 - 1;
      const int i_96 = (i_87 + i_92) + i_95;
      const bool p_20 = 0 <= i_91;
      const bool p_21 = i_91 < 10;
      const bool p_22 = p_20 & p_21;
      const bool p_23 = 0 <= i_95;
      const bool p_24 = i_95 < 10;
      const bool p_25 = p_23 & p_24;
      const bool p_26 = p_22 & p_25;
      const bool p_27 = p_3 & p_26;
      copy_aside<4>(right, slot_3 + 2, x + (i_96), p_27);
      const int i_98 = i_57 + i_97;
      const int i_99 = i_98 * 100;
      const int i_102 = i_62 + i_101;
      const int i_103 = i_102 - 1;
      const int i_104 = i_103 * 10;
      const int i_106 = i_68 + i_105;
      const int i_107 = i_106 - 1;
      const int i_108 = (i_99 + i_104) + i_107;
      const bool p_28 = 0 <= i_103;
      const bool p_29 = i_103 < 10;
      const bool p_30 = p_28 & p_29;
      const bool p_31 = 0 <= i_107;
      const bool p_32 = i_107 < 10;
      const bool p_33 = p_31 & p_32;
      const bool p_34 = p_30 & p_33;
      const bool p_35 = p_3 & p_34;
      copy_aside<4>(right, slot_3 + 3, x + (i_108), p_35);
    }
  }
  end_batch();
  for (int round_1 = 0; round_1 < 13; round_1++) {
    wait_copies<1>();
    __syncthreads();
    const int ahead = round_1 + 2;
    if (ahead < 13) {
      const int next = ahead % 3;
      const int k0 = ahead * 16;
      const int left_next = next * 144;
      for (int quad_4 = i_1; quad_4 < 8; quad_4 += 4) {
        const int m_8 = smaller(tile_m + (quad_4 * 4), 7);
        const int m_9 = smaller((tile_m + (quad_4 * 4)) + 1, 7);
        const int m_10 = smaller((tile_m + (quad_4 * 4)) + 2, 7);
        const int m_11 = smaller((tile_m + (quad_4 * 4)) + 3, 7);
        const int row_4 = i;
        const int i_109 = k0 + row_4;
        const int k_4 = smaller(i_109, 199);
        const int i_110 = row_4 * 9;
        const int i_111 = i_110 + quad_4;
        const int slot_4 = (i_111 + left_next) * 4;
        const unsigned v_40 = unsigned(k_4);
        const unsigned v_41 = v_40 / 100u;
        const int i_112 = int(v_41);
        const int i_113 = i_2 + i_112;
        const int i_114 = i_113 * 8;
        const int i_115 = i_114 + m_8;
        const int i_116 = i_115 * 100;
        const unsigned v_42 = v_40 % 100u;
        const int i_117 = int(v_42);
        const int i_118 = i_116 + i_117;
        const bool p_36 = i_109 < 200;
        copy_aside<4>(left, slot_4, dy + (i_118), p_36);
        const int i_119 = i_114 + m_9;
        const int i_120 = i_119 * 100;
        const int i_121 = i_120 + i_117;
        copy_aside<4>(left, slot_4 + 1, dy + (i_121), p_36);
        const int i_122 = i_114 + m_10;
        const int i_123 = i_122 * 100;
        const int i_124 = i_123 + i_117;
        copy_aside<4>(left, slot_4 + 2, dy + (i_124), p_36);
        const int i_125 = i_114 + m_11;
        const int i_126 = i_125 * 100;
        const int i_127 = i_126 + i_117;
        copy_aside<4>(left, slot_4 + 3, dy + (i_127), p_36);
      }
      const int right_next = next * 144;
      for (int quad_5 = i_1; quad_5 < 8; quad_5 += 4) {
        const int n_8 = smaller(tile_n + (quad_5 * 4), 26);
        const int n_9 = smaller((tile_n + (quad_5 * 4)) + 1, 26);
        const int n_10 = smaller((tile_n + (quad_5 * 4)) + 2, 26);
        const int n_11 = smaller((tile_n + (quad_5 * 4)) + 3, 26);
        const unsigned v_45 = unsigned(n_8);
        const unsigned v_46 = v_45 / 9u;
        const int i_134 = int(v_46);
        const unsigned v_50 = v_45 / 3u;
        const int i_139 = int(v_50);
        const unsigned v_51 = unsigned(i_139);
        const unsigned v_52 = v_51 % 3u;
        const int i_140 = int(v_52);
        const unsigned v_54 = v_45 % 3u;
        const int i_145 = int(v_54);
        const unsigned v_55 = unsigned(n_9);
        const unsigned v_56 = v_55 / 9u;
        const int i_149 = int(v_56);
        const unsigned v_57 = v_55 / 3u;
        const int i_152 = int(v_57);
        const unsigned v_58 = unsigned(i_152);
        const unsigned v_59 = v_58 % 3u;
        const int i_153 = int(v_59);
        const unsigned v_60 = v_55 % 3u;
        const int i_157 = int(v_60);
        const unsigned v_61 = unsigned(n_10);
        const unsigned v_62 = v_61 / 9u;
        const int i_161 = int(v_62);
        const unsigned v_63 = v_61 / 3u;
        const int i_164 = int(v_63);
        const unsigned v_64 = unsigned(i_164);
        const unsigned v_65 = v_64 % 3u;
        const int i_165 = int(v_65);
        const unsigned v_66 = v_61 % 3u;
        const int i_169 = int(v_66);
        const unsigned v_67 = unsigned(n_11);
        const unsigned v_68 = v_67 / 9u;
        const int i_173 = int(v_68);
        const unsigned v_69 = v_67 / 3u;
        const int i_176 = int(v_69);
        const unsigned v_70 = unsigned(i_176);
        const unsigned v_71 = v_70 % 3u;
        const int i_177 = int(v_71);
        const unsigned v_72 = v_67 % 3u;
        const int i_181 = int(v_72);
        const int row_5 = i;
        const int i_128 = k0 + row_5;
        const int k_5 = smaller(i_128, 199);
        const int i_129 = row_5 * 9;
        const int i_130 = i_129 + quad_5;
        const int slot_5 = (i_130 + right_next) * 4;
        const unsigned v_43 = unsigned(k_5);
        const unsigned v_44 = v_43 / 100u;
        const int i_131 = int(v_44);
        const int i_132 = i_2 + i_131;
        const int i_133 = i_132 * 3;
        const int i_135 = i_133 + i_134;
        const int i_136 = i_135 * 100;
        const unsigned v_47 = v_43 / 10u;
        const int i_137 = int(v_47);
        const unsigned v_48 = unsigned(i_137);
        const unsigned v_49 = v_48 % 10u;
        const int i_138 = int(v_49);
        const int i_141 = i_138 + i_140;
        const int i_142 = i_141 - 1;
        const int i_143 = i_142 * 10;
        const unsigned v_53 = v_43 % 10u;
        const int i_144 = int(v_53);
        const int i_146 = i_144 + i_145;
        const int i_147 = i_146 - 1;
        const int i_148 = (i_136 + i_143) + i_147;
        const bool p_37 = i_128 < 200;
        const bool p_38 = 0 <= i_142;
        const bool p_39 = i_142 < 10;
        const bool p_40 = p_38 & p_39;
        const bool p_41 = 0 <= i_147;
        const bool p_42 = i_147 < 10;
        const bool p_43 = p_41 & p_42;
        const bool p_44 = p_40 & p_43;
        const bool p_45 = p_37 & p_44;
        copy_aside<4>(right, slot_5, x + (i_148), p_45);
        const int i_150 = i_133 + i_149;
        const int i_151 = i_150 * 100;
        const int i_154 = i_138 + i_153;
        const int i_155 = i_154 - 1;
        const int i_156 = i_155 * 10;
        const int i_158 = i_144 + i_157;
        const int i_159 = i_158 - 1;
        const int i_160 = (i_151 + i_156) + i_159;
        const bool p_46 = 0 <= i_155;
        const bool p_47 = i_155 < 10;
        const bool p_48 = p_46 & p_47;
        const bool p_49 = 0 <= i_159;
        const bool p_50 = i_159 < 10;
        const bool p_51 = p_49 & p_50;
        const bool p_52 = p_48 & p_51;
        const bool p_53 = p_37 & p_52;
        copy_aside<4>(right, slot_5 + 1, x + (i_160), p_53);
        const int i_162 = i_133 + i_161;
        const int i_163 = i_162 * 100;
        const int i_166 = i_138 + i_165;
        const int i_167 = i_166 - 1;
        const int i_168 = i_167 * 10;
        const int i_170 = i_144 + i_169;
        const int i_171 = i_170 - 1;
        const int i_172 = (i_163 + i_168) + i_171;
        const bool p_54 = 0 <= i_167;
        const bool p_55 = i_167 < 10;
        const bool p_56 = p_54 & p_55;
        const bool p_57 = 0 <= i_171;
        const bool p_58 = i_171 < 10;
        const bool p_59 = p_57 & p_58;
        const bool p_60 = p_56 & p_59;
        const bool p_61 = p_37 & p_60;
        copy_aside<4>(right, slot_5 + 2, x + (i_172), p_61);
        const int i_174 = i_133 + i_173;
        const int i_175 = i_174 * 100;
        const int i_178 = i_138 + i_177;
        const int i_179 = i_178 - 1;
        const int i_180 = i_179 * 10;
        const int i_182 = i_144 + i_181;
        const int i_183 = i_182 - 1;
        const int i_184 = (i_175 + i_180) + i_183;
        const bool p_62 = 0 <= i_179;
        const bool p_63 = i_179 < 10;
        const bool p_64 = p_62 & p_63;
        const bool p_65 = 0 <= i_183;
        const bool p_66 = i_183 < 10;
        const bool p_67 = p_65 & p_66;
        const bool p_68 = p_64 & p_67;
        const bool p_69 = p_37 & p_68;
        copy_aside<4>(right, slot_5 + 3, x + (i_184), p_69);
      }
    }
    end_batch();
    const int current = round_1 % 3;
    const int left_at = current * 144;
    const int right_at = current * 144;
    for (int kk = 0; kk < 16; kk += 4) {
      {
        const float4 a0 = left[((kk * 9) + thread_m) + left_at];
        const float4 b0 = right[((kk * 9) + thread_n) + right_at];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[(((kk + 1) * 9) + thread_m) + left_at];
        const float4 b0 = right[(((kk + 1) * 9) + thread_n) + right_at];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[(((kk + 2) * 9) + thread_m) + left_at];
        const float4 b0 = right[(((kk + 2) * 9) + thread_n) + right_at];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[(((kk + 3) * 9) + thread_m) + left_at];
        const float4 b0 = right[(((kk + 3) * 9) + thread_n) + right_at];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
    }
  }
  const int n_12 = tile_n + (thread_n * 4);
  const int n_13 = (tile_n + (thread_n * 4)) + 1;
  const int n_14 = (tile_n + (thread_n * 4)) + 2;
  const int n_15 = (tile_n + (thread_n * 4)) + 3;
  const int i_186 = batch * 8;
  for (int i_185 = 0; i_185 < 4; i_185++) {
    float4 row_0 = c_0_0;
    row_0 = i_185 == 1 ? c_1_0 : row_0;
    row_0 = i_185 == 2 ? c_2_0 : row_0;
    row_0 = i_185 == 3 ? c_3_0 : row_0;
    const int m_12 = (tile_m + (thread_m * 4)) + i_185;
    if (m_12 < 8) {
      const int i_187 = ((i_186 + m_12) * 27) + n_12;
      if (n_12 < 27) {
        dw[i_187] = row_0.x;
      }
      const int i_188 = i_186 + m_12;
      const int i_189 = i_188 * 27;
      const int i_190 = i_189 + n_13;
      if (n_13 < 27) {
        dw[i_190] = row_0.y;
      }
      const int i_191 = i_189 + n_14;
      if (n_14 < 27) {
        dw[i_191] = row_0.z;
      }
      const int i_192 = i_189 + n_15;
      if (n_15 < 27) {
        dw[i_192] = row_0.w;
      }
    }
  }
}
