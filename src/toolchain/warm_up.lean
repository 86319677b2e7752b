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

/-! What searches try, much of it in vain: closers one behind the other, inductions and case splits with closers behind them. -/
set_option maxHeartbeats 8000
set_option linter.all false

macro "closers" : tactic =>
  `(tactic| first | assumption | contradiction | omega | (simp_all <;> omega) | grind | rfl | simp_all)
macro "settled" : tactic => `(tactic| first | assumption | omega | (simp_all <;> try omega) | skip)
/-- What fails lets the goal be printed, as an error would. -/
macro "tried " steps:tacticSeq : tactic => `(tactic| first | (($steps); done) | (trace_state; all_goals sorry))

example (f : Nat → Nat) (h : ∀ n, f (n + 2) = f n + 3) (p : Prop) : f 4 = f 0 + 6 ∨ p := by tried closers
example (f : Nat → Nat) (h : ∀ n, f (n + 2) = f n + 3) : f 6 = f 1 + 9 := by tried closers
example (f : Nat → Nat) (h : ∀ n, f (n + 2) = f n + 3) : f 6 = f 1 + 9 := by tried exact?
example (a b c : Nat) (h : a * b = c * b) (g : 0 < b) : a = c ∧ a * c = c * a := by tried constructor <;> settled
example (a b c : Nat) (h : a * b = c * b) (g : 0 < b) : a = c := by tried first | exact Nat.eq_of_mul_eq_mul_right g h | closers
example (n : Nat) (h : 3 < n) : n * n * n > 9 * n := by tried grind [Nat.mul_lt_mul_of_lt_of_le, Nat.pow_succ]
example (n : Nat) (h : 3 < n) : n ^ 3 > 9 * n := by tried cases n <;> settled
example (n : Nat) : (n ^ 2) % 8 = 1 ∨ n % 2 = 0 := by tried
  have : n % 8 = 0 ∨ n % 8 = 1 ∨ n % 8 = 2 ∨ n % 8 = 3 ∨ n % 8 = 4 ∨ n % 8 = 5 ∨ n % 8 = 6 ∨ n % 8 = 7 := by omega
  rcases this with h | h | h | h | h | h | h | h <;> simp [Nat.pow_mod, h] <;> omega
example (n m : Nat) (h : n ∣ m) (g : 0 < m) : n ≤ m ∧ n ≠ 0 := by tried
  obtain ⟨k, hk⟩ := h
  refine ⟨?_, ?_⟩ <;> settled
example (xs ys : List Nat) (h : xs.length = ys.length) : (xs ++ ys).length = 2 * xs.length ∧ xs.reverse = ys := by tried
  induction xs <;> settled
example (xs : List Nat) (a : Nat) (h : a ∈ xs) : a ≤ xs.sum := by tried
  induction xs with
  | nil => simp_all
  | cons x xs ih => simp_all; grind
example (xs : List Nat) (p : Nat → Bool) : (xs.filter p).length ≤ xs.length := by tried
  induction xs generalizing p <;> grind [List.filter, List.length]
example (xs : List Nat) (p : Nat → Bool) : (xs.filter p).map id = xs.filter p := by tried
  first | exact List.map_id .. | simp [List.filter, List.map] | grind [List.map_id, List.filter_map]
example (xs ys : List Nat) (h : xs.Perm ys) (g : xs.Nodup) : ys.Nodup := by tried
  first | exact h.nodup_iff.mp g | (have := List.Perm.length_eq h; first | omega | grind) | closers
example (xs : List Nat) (i : Nat) (h : i < xs.length) : xs[i] ∈ xs := by tried
  first | exact List.getElem_mem .. | grind | settled
example (x y z : Int) (h : x + y + z = 0) : x ^ 3 + y ^ 3 + z ^ 3 = 3 * x * y * z := by tried
  have : z = -x - y := by omega
  subst this
  grind
example (x y : Int) (h : x * y = 1) (g : 0 < x) : x = 1 := by tried closers
example (x : Int) (h : x ^ 2 - 5 * x + 6 = 0) : x = 2 ∨ x = 3 := by tried
  have : (x - 2) * (x - 3) = 0 := by grind
  rcases Int.mul_eq_zero.mp this with h | h <;> settled
example (a b : Rat) (h : 2 * a + b = 5) (g : a - b = 1) : a = 2 := by tried grind
example (s t : Shape) (h : s.size ≤ t.size) : (Shape.pair s t).size ≤ 2 * t.size := by tried
  cases s <;> (first | assumption | omega | (simp_all [Shape.size] <;> omega) | grind [Shape.size])
example (s : Shape) : s.size < s.size + 1 ∧ 0 ≤ s.size := by tried
  induction s with
  | dot => settled
  | line n => settled
  | pair a b ha hb => unfold Shape.size; settled
example (s : Shape) : 2 * s.size = s.size + s.size := by tried fun_induction Shape.size <;> settled
example (α : Type) (p q : α → Prop) (h : ∀ x, p x → q x) (g : ∃ x, p x) : ∃ x, q x ∧ ¬ (p x → False) := by tried
  obtain ⟨x, hx⟩ := g
  exact ⟨x, h x hx, fun k => k hx⟩
example (p q r : Prop) (h : p → q ∨ r) (g : ¬ q) (k : p ∨ (q ∧ r)) : r := by tried
  rcases k with k | ⟨k, l⟩
  · rcases h k with m | m
    · exact absurd m g
    · exact m
  · settled
example (p q r : Prop) (h : p ↔ (q ∧ r)) : (p → r) ∧ (q → r → p) := by tried
  refine ⟨?_, ?_⟩ <;> intro <;> simp_all
example (o : Option Nat) (h : o.isSome) : ∃ n, o = some n := by tried
  cases o <;> first | simp_all | grind [Option.isSome]
example (as : Array Nat) (h : as.size = 3) : as.toList.length = 3 ∧ (as.push 1).size = 4 := by tried
  constructor <;> (first | simp_all | grind | rfl)
example (s t : String) : (s ++ t).length = s.length + t.length := by tried first | simp | grind | closers
example (a b : Bool) (h : (a && !b) = true) : a ≠ b := by tried cases a <;> cases b <;> simp_all
example (i j : Fin 5) (h : i < j) : i.val + 1 ≤ j.val ∧ i ≠ 4 := by tried
  obtain ⟨i, hi⟩ := i; obtain ⟨j, hj⟩ := j; constructor <;> (first | omega | simp_all <;> omega | grind)
example (x y : BitVec 8) : x &&& y = y &&& x := by tried first | exact BitVec.and_comm .. | simp | grind
example : (3 ^ 20) % 7 = 2 ∧ Nat.gcd 84 36 = 12 ∧ (List.range 9).sum = 36 := by decide
example : ∃ n : Nat, n * n + n = 42 := by tried first | exact ⟨6, by decide⟩ | exists 6
example (n : Nat) : ∃ m, n < m ∧ m % 3 = 0 := by tried refine ⟨3 * n + 3, ?_, ?_⟩ <;> settled
example (a b c d : Nat) (h : a + b = c) (g : c + d = a) (k : 0 < d) : False := by omega
example (f g : Nat → Nat) (h : ∀ x, f x = g (x + 1)) (k : ∀ x, g x ≤ g (x + 1)) : f 0 ≤ f 2 := by tried
  have h0 := h 0; have h2 := h 2; have k1 := k 1; have k2 := k 2; settled
example (f : Nat → Nat) (h : ∀ x y, f x = f y → x = y) (g : f (f 3) = f 7) : f 3 = 7 := by tried
  first | exact h _ _ g | (apply h <;> assumption) | grind
