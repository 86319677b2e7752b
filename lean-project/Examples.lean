/-!
Theorems without proofs, to see what qstar does: `qstar prove lean-project/Examples.lean`.
Core Lean only; each needs something else.
-/

/-- The sum of the first numbers, as a program. -/
def sumTo : Nat → Nat
  | 0 => 0
  | n + 1 => sumTo n + (n + 1)

/-- Arithmetic: a linear system. -/
theorem linear_system (a b : Nat) (h₀ : a + b = 20) (h₁ : a = 3 * b) : a - b = 10 := by
  sorry

/-- Cases and several goals. -/
theorem and_or_distrib (p q r : Prop) (h : p ∧ (q ∨ r)) : (p ∧ q) ∨ (p ∧ r) := by
  sorry

/-- Induction over a program. -/
theorem sum_to (n : Nat) : 2 * sumTo n = n * (n + 1) := by
  sorry

/-- Induction with powers. -/
theorem three_divides (n : Nat) : 3 ∣ 2 ^ (2 * n + 1) + 1 := by
  sorry

/-- A witness has to be found. -/
theorem exists_square : ∃ n : Nat, n * n = 9 ∧ 2 < n := by
  sorry

/-- Lists. -/
theorem length_twice (xs : List Nat) : (xs ++ xs).length = 2 * xs.length := by
  sorry
