/-! Small proofs by the usual tactics: the machine code that they make is kept (see `portable.rs`). -/
set_option maxHeartbeats 400000

inductive Shape | dot | line (n : Nat) | pair (a b : Shape)
  deriving Repr, DecidableEq

def Shape.size : Shape → Nat
  | dot => 1
  | line n => n
  | pair a b => a.size + b.size

structure Point where
  x : Int
  y : Int

theorem w1 (a b c : Nat) (h : a < b) (g : b ≤ c) : a + 1 ≤ c ∧ a ≠ c := by omega
theorem w2 (x y : Int) (h : 2 * x + 3 * y = 7) (g : x - y = 1) : x = 2 ∧ y = 1 := by omega
theorem w3 (n : Nat) (h : n % 6 = 5) : n % 3 = 2 ∧ (n * n) % 2 = n % 2 := by
  refine ⟨by omega, ?_⟩
  rcases (by omega : n % 2 = 0 ∨ n % 2 = 1) with h | h <;> simp [Nat.mul_mod, h]
theorem w4 (p q r : Prop) (h : p ∧ (q ∨ r)) : (p ∧ q) ∨ (p ∧ r) := by
  obtain ⟨hp, hq | hr⟩ := h
  · exact Or.inl ⟨hp, hq⟩
  · exact Or.inr ⟨hp, hr⟩
theorem w5 (l m : List Nat) : (l ++ m).reverse = m.reverse ++ l.reverse := by simp
theorem w6 (l : List Nat) : (l.map (· + 1)).length = l.length := by
  induction l with
  | nil => rfl
  | cons a l ih => simp_all
theorem w7 (n : Nat) : 2 ∣ n * (n + 1) := by
  induction n with
  | zero => simp
  | succ n ih => grind
theorem w8 (f : Nat → Nat) (h : ∀ n, f (n + 1) = f n + 2) (h0 : f 0 = 1) : ∀ n, f n = 2 * n + 1 := by
  intro n
  induction n with
  | zero => simp [h0]
  | succ n ih => rw [h, ih]; omega
theorem w9 : ∀ a < 12, ∀ b < 12, (a + b) % 12 = (b + a) % 12 := by decide
theorem w10 (a b : Int) (h : a ≤ b) (g : 0 ≤ a) : a * a ≤ b * b := by
  have := Int.mul_le_mul h h g (by omega)
  exact this
theorem w11 (a b c : Nat) (h : a = b) (g : b = c) : c = a := by grind
theorem w12 (s : Shape) : (Shape.pair s s).size = 2 * s.size := by
  rw [Shape.size]
  omega
theorem w13 (a b : Nat) : (a + b) ^ 2 = a ^ 2 + 2 * a * b + b ^ 2 := by grind
theorem w14 (p q : Prop) (hp : ¬p) (h : p ∨ q) : q := by simp_all
theorem w15 : ∃ x : Nat, x * x = 144 ∧ x < 20 := ⟨12, by decide⟩
theorem w16 (a b : Nat) (h : (a : Int) = b + 1) : b < a := by norm_cast at h; omega
theorem w17 (a b c d : Nat) (h : a + b = c) (g : c = d) : b + a = d := by
  rw [Nat.add_comm, h, g]
theorem w18 : (7 ^ 1234) % 11 = (7 ^ 1234) % 11 := by decide +kernel
theorem w19 (a b : Point) (h : a.x = b.x) (g : a.y = b.y) : a = b := by
  cases a; cases b; simp_all
theorem w20 (x : Nat) (h : x ∈ [1, 2, 3]) : x < 4 := by
  simp at h
  rcases h with rfl | rfl | rfl <;> decide
theorem w22 (x y : Nat) (h : x = y) : y = x := by exact h.symm
theorem w23 (a b : Nat) (f : Nat → Nat) (h : a = b) : f a = f b := by
  calc f a = f b := by rw [h]
theorem w24 (x : Nat) : (if x = 0 then 1 else x) ≠ 0 := by
  split <;> simp_all
theorem w25 (xs : List Nat) (h : 0 < xs.length) : xs ≠ [] := by
  intro e
  subst e
  contradiction
theorem w26 (m n : Nat) (h : m ∣ n) (g : 0 < n) : m ≤ n := by
  first | exact Nat.le_of_dvd g h | omega
theorem w27 (a b c : Int) (h : a < b) (g : 0 < c) : a * c < b * c := by
  have := Int.mul_lt_mul_of_pos_right h g
  grind
theorem w28 (a b : Nat) (h : ¬ a = b) : a < b ∨ b < a := by
  rcases Nat.lt_trichotomy a b with h1 | h1 | h1
  all_goals simp_all
theorem w29 (x : Nat) (h : x ^ 2 = 9) : x < 4 := by
  apply Classical.byContradiction
  intro g
  have : 4 * 4 ≤ x * x := Nat.mul_le_mul (by omega) (by omega)
  rw [Nat.pow_two] at h
  omega
