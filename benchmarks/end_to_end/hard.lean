/-! Statements that a search works on for long: what is measured is checks a second. -/

theorem hard01 (a b c : Nat) (h : a ^ 3 + b ^ 3 = c ^ 3) (g : 0 < a) (k : 0 < b) : 7 ∣ a * b * c ∨ 9 ∣ a * b * c := by sorry
theorem hard02 (f : Nat → Nat) (h : ∀ m n, f (m + n) = f m + f n + m * n) (g : f 4 = 10) : ∀ n, 2 * f n = n * (n + 1) := by sorry
theorem hard03 (l : List Nat) (h : ∀ x ∈ l, x < l.length) (g : l.Nodup) : l.Perm (List.range l.length) := by sorry
theorem hard04 (x y z : Int) (h : x + y + z = 0) : (x ^ 3 + y ^ 3 + z ^ 3) ^ 2 = 9 * x ^ 2 * y ^ 2 * z ^ 2 ∧ x ^ 5 + y ^ 5 + z ^ 5 = -5 * x * y * z * (x * y + y * z + z * x) + 1 := by sorry
theorem hard05 (n : Nat) (h : 1 < n) (g : ∀ m, 1 < m → m * m ≤ n → ¬ m ∣ n) (a b : Nat) (k : n ∣ a * b) : n ∣ a ∨ n ∣ b := by sorry
