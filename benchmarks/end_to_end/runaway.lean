/-! Statements with numbers for which a tactic may compute without end. -/

theorem runaway01 : (7 ^ 888888) % 11 = 9 := by sorry
theorem runaway02 : (2 ^ 1000000 + 7 ^ 888888) % 11 = 10 := by sorry
theorem runaway03 : 2 ^ 5000 % 7 = 4 := by sorry
theorem runaway04 : (3 ^ 40000 + 1) % 4 = 2 := by sorry
theorem runaway05 : 13 ∣ 5 ^ 123456 - 1 := by sorry
theorem runaway06 : (10 ^ 300 - 1) % 9 = 0 := by sorry
theorem runaway07 : 2 ^ 1000 < 3 ^ 700 := by sorry
theorem runaway08 : 17 ^ 1234567891 % 20 = 13 := by sorry
theorem runaway09 (n : Nat) (h : n + 123456789012 = 987654321098) : n = 864197532086 := by sorry
theorem runaway10 : 9 ^ 250000 % 10 = 1 := by sorry
