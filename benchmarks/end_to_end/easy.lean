/-! Twenty theorems that need few checks: what is measured is everything around the search. -/

theorem easy01 (a b : Nat) : a + b = b + a := by sorry
theorem easy02 (n : Nat) (h : 3 < n) : 5 ≤ n + 1 := by sorry
theorem easy03 (p q : Prop) (hp : p) (hq : q) : p ∧ q := by sorry
theorem easy04 (x y : Int) (h : x = y + 2) : y = x - 2 := by sorry
theorem easy05 : 12 * 12 = 144 := by sorry
theorem easy06 (l : List Nat) : l ++ [] = l := by sorry
theorem easy07 (a b c : Nat) (h : a ≤ b) (g : b ≤ c) : a ≤ c := by sorry
theorem easy08 (n : Nat) : n % 4 < 4 := by sorry
theorem easy09 (p q : Prop) (h : p ∨ q) (g : ¬p) : q := by sorry
theorem easy10 (a : Nat) : a * 2 = a + a := by sorry
theorem easy11 (x : Int) (h : 2 * x = 10) : x = 5 := by sorry
theorem easy12 (f : Nat → Nat) (a b : Nat) (h : a = b) : f a = f b := by sorry
theorem easy13 (n : Nat) (h : n % 10 = 7) : n % 5 = 2 := by sorry
theorem easy14 (l m : List Nat) : (l ++ m).length = l.length + m.length := by sorry
theorem easy15 (a b : Nat) (h : a < b) : ¬ b ≤ a := by sorry
theorem easy16 (p : Prop) (h : ¬¬p) : p := by sorry
theorem easy17 (x y : Nat) (h : x + y = 9) (g : x = 2 * y) : y = 3 := by sorry
theorem easy18 : ∃ n : Nat, n * n = 49 := by sorry
theorem easy19 (a b c : Int) (h : a < b) : a + c < b + c := by sorry
theorem easy20 (b : Bool) : (!!b) = b := by sorry
