/-! Twenty small theorems of different kinds: the gate of this project's own CI. -/

def total : List Nat → Nat
  | [] => 0
  | x :: xs => x + total xs

def double : Nat → Nat
  | 0 => 0
  | n + 1 => double n + 2

theorem sum_of_odds (a b : Int) (ha : a % 2 = 1) (hb : b % 2 = 1) : (a + b) % 2 = 0 := by
  sorry

theorem square_mod_eight (n : Nat) (h : n % 2 = 1) : n ^ 2 % 8 = 1 := by
  sorry

theorem cubes_of_neighbours (n : Nat) : 6 ∣ n ^ 3 + 5 * n := by
  sorry

theorem seven_divides (n : Nat) : 7 ∣ 8 ^ n - 1 := by
  sorry

theorem powers_of_three (n : Nat) : 3 ^ n % 2 = 1 := by
  sorry

theorem two_numbers (x y : Nat) (h : x * y = 35) (g : x + y = 12) (lt : x < y) : x = 5 := by
  sorry

theorem a_square (x : Int) (h : x ^ 2 = 49) (pos : 0 < x) : x = 7 := by
  sorry

theorem last_digit : 7 ^ 222 % 10 = 9 := by
  sorry

theorem neighbours_are_coprime (n : Nat) : Nat.gcd n (n + 1) = 1 := by
  sorry

theorem a_rational (x : Rat) (h : x / 3 + 1 = 5 / 2) : x = 9 / 2 := by
  sorry

theorem and_swaps (p q r : Prop) (h : p ∧ q ∧ r) : r ∧ p := by
  sorry

theorem or_of_ands (p q r : Prop) : p ∧ (q ∨ r) ↔ (p ∧ q) ∨ (p ∧ r) := by
  sorry

theorem not_all (p : Nat → Prop) (h : ¬ ∀ n, p n) : ∃ n, ¬ p n := by
  sorry

theorem a_witness : ∃ n : Nat, 10 < n ∧ n % 3 = 0 := by
  sorry

theorem double_is_twice (n : Nat) : double n = 2 * n := by
  sorry

theorem total_of_append (xs ys : List Nat) : total (xs ++ ys) = total xs + total ys := by
  sorry

theorem length_of_reverse (xs : List Nat) : (xs.reverse ++ xs).length = 2 * xs.length := by
  sorry

theorem map_keeps_length (f : Nat → Nat) (xs : List Nat) (h : xs ≠ []) : (xs.map f).length ≠ 0 := by
  sorry

theorem bool_laws (a b : Bool) : (a && b) = !(!a || !b) := by
  sorry

theorem a_function (f : Nat → Nat) (h : ∀ n, f (n + 1) = f n + 3) (zero : f 0 = 1) : f 4 = 13 := by
  sorry
