/-!
A small project to measure memory on (`benchmarks/memory.py`): a depot's shelves as trees, its orders as lists, and routes
between bays. Forty theorems, proved as people prove them; many want what another one before them wanted.
-/
noncomputable section
namespace Depot

inductive Shelf where
  | none
  | fork (left : Shelf) (load : Nat) (right : Shelf)

namespace Shelf

def turn : Shelf → Shelf
  | none => none
  | fork l n r => fork r.turn n l.turn

def count : Shelf → Nat
  | none => 0
  | fork l _ r => l.count + 1 + r.count

def weight : Shelf → Nat
  | none => 0
  | fork l n r => l.weight + n + r.weight

def height : Shelf → Nat
  | none => 0
  | fork l _ r => max l.height r.height + 1

def walk : Shelf → List Nat
  | none => []
  | fork l n r => l.walk ++ n :: r.walk

def walkOnto : Shelf → List Nat → List Nat
  | none, acc => acc
  | fork l n r, acc => l.walkOnto (n :: r.walkOnto acc)

def scale (k : Nat) : Shelf → Shelf
  | none => none
  | fork l n r => fork (l.scale k) (k * n) (r.scale k)

theorem turn_turn (s : Shelf) : s.turn.turn = s := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr => simp [turn, ihl, ihr]

theorem count_turn (s : Shelf) : s.turn.count = s.count := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr =>
    simp only [turn, count, ihl, ihr]
    omega

theorem weight_turn (s : Shelf) : s.turn.weight = s.weight := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr =>
    simp only [turn, weight, ihl, ihr]
    omega

theorem height_turn (s : Shelf) : s.turn.height = s.height := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr =>
    simp only [turn, height, ihl, ihr]
    omega

theorem height_le_count (s : Shelf) : s.height ≤ s.count := by
  induction s with
  | none => exact Nat.le_refl 0
  | fork l n r ihl ihr =>
    simp only [height, count]
    omega

theorem length_walk (s : Shelf) : s.walk.length = s.count := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr =>
    simp only [walk, count, List.length_append, List.length_cons, ihl, ihr]
    omega

theorem walkOnto_eq (s : Shelf) (acc : List Nat) : s.walkOnto acc = s.walk ++ acc := by
  induction s generalizing acc with
  | none => rfl
  | fork l n r ihl ihr => simp [walkOnto, walk, ihl, ihr]

theorem walk_turn (s : Shelf) : s.turn.walk = s.walk.reverse := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr => simp [turn, walk, ihl, ihr]

theorem sum_walk (s : Shelf) : s.walk.sum = s.weight := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr =>
    simp only [walk, weight, List.sum_append_nat, List.sum_cons, ihl, ihr]
    omega

theorem length_walkOnto (s : Shelf) (acc : List Nat) : (s.walkOnto acc).length = s.count + acc.length := by
  rw [walkOnto_eq, List.length_append, length_walk]

theorem count_scale (k : Nat) (s : Shelf) : (s.scale k).count = s.count := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr => simp only [scale, count, ihl, ihr]

theorem weight_scale (k : Nat) (s : Shelf) : (s.scale k).weight = k * s.weight := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr => simp only [scale, weight, ihl, ihr, Nat.mul_add]

theorem turn_scale (k : Nat) (s : Shelf) : (s.scale k).turn = s.turn.scale k := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr => simp only [scale, turn, ihl, ihr]

theorem scale_scale (j k : Nat) (s : Shelf) : (s.scale k).scale j = s.scale (j * k) := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr => simp only [scale, ihl, ihr, Nat.mul_assoc]

theorem walk_scale (k : Nat) (s : Shelf) : (s.scale k).walk = s.walk.map (k * ·) := by
  induction s with
  | none => rfl
  | fork l n r ihl ihr => simp only [scale, walk, ihl, ihr, List.map_append, List.map_cons]

theorem weight_turn_scale (k : Nat) (s : Shelf) : (s.scale k).turn.weight = k * s.weight := by
  rw [weight_turn, weight_scale]

theorem sum_walk_turn (s : Shelf) : s.turn.walk.sum = s.walk.sum := by
  rw [sum_walk, sum_walk, weight_turn]

end Shelf

/-- A way from one bay to another, by steps that go up by two or three bays. -/
inductive Way : Nat → Nat → Prop where
  | stay (a : Nat) : Way a a
  | two {a b : Nat} : Way a b → Way a (b + 2)
  | three {a b : Nat} : Way a b → Way a (b + 3)

namespace Way

theorem le {a b : Nat} (h : Way a b) : a ≤ b := by
  induction h with
  | stay => exact Nat.le_refl _
  | two _ ih => omega
  | three _ ih => omega

theorem join {a b c : Nat} (h : Way a b) (g : Way b c) : Way a c := by
  induction g with
  | stay => exact h
  | two _ ih => exact two ih
  | three _ ih => exact three ih

theorem shift {a b : Nat} (k : Nat) (h : Way a b) : Way (a + k) (b + k) := by
  induction h with
  | stay => exact stay _
  | two _ ih =>
    rw [Nat.add_right_comm]
    exact two ih
  | three _ ih =>
    rw [Nat.add_right_comm]
    exact three ih

theorem not_one (a : Nat) : ¬ Way a (a + 1) := by
  intro h
  generalize hb : a + 1 = b at h
  cases h with
  | stay => omega
  | two g =>
    have := g.le
    omega
  | three g =>
    have := g.le
    omega

theorem even (a n : Nat) : Way a (a + 2 * n) := by
  induction n with
  | zero => exact stay a
  | succ n ih => exact two ih

theorem thirds (a n : Nat) : Way a (a + 3 * n) := by
  induction n with
  | zero => exact stay a
  | succ n ih => exact three ih

theorem mixed (a m n : Nat) : Way a (a + 2 * m + 3 * n) := by
  exact join (even a m) (thirds (a + 2 * m) n)

theorem five (a : Nat) : Way a (a + 5) := by
  exact three (two (stay a))

theorem fives (a n : Nat) : Way a (a + 5 * n) := by
  induction n with
  | zero => exact stay a
  | succ n ih => exact join ih (five _)

theorem eq_of_both {a b : Nat} (h : Way a b) (g : Way b a) : a = b := by
  have := h.le
  have := g.le
  omega

theorem odd (a n : Nat) : Way a (a + 2 * n + 3) := by
  exact three (even a n)

end Way

/-- What an order asks for, line by line. -/
inductive Order where
  | done
  | line (item amount : Nat) (rest : Order)

namespace Order

def total : Order → Nat
  | done => 0
  | line _ n o => n + o.total

def lines : Order → Nat
  | done => 0
  | line _ _ o => o.lines + 1

def then_ : Order → Order → Order
  | done, p => p
  | line i n o, p => line i n (o.then_ p)

def times (k : Nat) : Order → Order
  | done => done
  | line i n o => line i (k * n) (o.times k)

def flip : Order → Order → Order
  | done, acc => acc
  | line i n o, acc => o.flip (line i n acc)

theorem then_done (o : Order) : o.then_ done = o := by
  induction o with
  | done => rfl
  | line i n o ih => simp only [then_, ih]

theorem then_assoc (o p q : Order) : (o.then_ p).then_ q = o.then_ (p.then_ q) := by
  induction o with
  | done => rfl
  | line i n o ih => simp only [then_, ih]

theorem total_then (o p : Order) : (o.then_ p).total = o.total + p.total := by
  induction o with
  | done => simp only [then_, total, Nat.zero_add]
  | line i n o ih => simp only [then_, total, ih, Nat.add_assoc]

theorem lines_then (o p : Order) : (o.then_ p).lines = o.lines + p.lines := by
  induction o with
  | done => simp only [then_, lines, Nat.zero_add]
  | line i n o ih =>
    simp only [then_, lines, ih]
    omega

theorem total_times (k : Nat) (o : Order) : (o.times k).total = k * o.total := by
  induction o with
  | done => rfl
  | line i n o ih => simp only [times, total, ih, Nat.mul_add]

theorem lines_times (k : Nat) (o : Order) : (o.times k).lines = o.lines := by
  induction o with
  | done => rfl
  | line i n o ih => simp only [times, lines, ih]

theorem times_then (k : Nat) (o p : Order) : (o.then_ p).times k = (o.times k).then_ (p.times k) := by
  induction o with
  | done => rfl
  | line i n o ih => simp only [then_, times, ih]

theorem flip_then (o p q : Order) : (o.flip p).then_ q = o.flip (p.then_ q) := by
  induction o generalizing p with
  | done => rfl
  | line i n o ih => simp only [flip, ih, then_]

theorem total_flip (o p : Order) : (o.flip p).total = o.total + p.total := by
  induction o generalizing p with
  | done => simp only [flip, total, Nat.zero_add]
  | line i n o ih =>
    simp only [flip, total, ih]
    omega

theorem lines_flip (o p : Order) : (o.flip p).lines = o.lines + p.lines := by
  induction o generalizing p with
  | done => simp only [flip, lines, Nat.zero_add]
  | line i n o ih =>
    simp only [flip, lines, ih]
    omega

theorem flip_flip (o p : Order) : (o.flip p).flip done = p.flip o := by
  induction o generalizing p with
  | done => rfl
  | line i n o ih =>
    simp only [flip, ih]

theorem total_flip_times (k : Nat) (o : Order) : ((o.times k).flip done).total = k * o.total := by
  rw [total_flip, total_times, total, Nat.add_zero]

end Order

end Depot
