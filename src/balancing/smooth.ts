/**
 * Smooth weighted turns: over any number of turns each holder has had its share, less than one turn more or less.
 *
 * Every holder keeps the credit that nginx's smooth weighted round robin keeps (turns owed minus turns taken, times the
 * total weight). The turn goes to the holder whose next turn is due first among those already owed a part of one,
 * instead of to the largest credit: "earliest pseudo-deadline first", which for a single server keeps every holder
 * within one turn of its exact share at every moment (Baruah et al., Proportionate Progress, Algorithmica 15, 1996),
 * where the largest credit drifts further with many holders. A turn costs one pass over the holders and no memory.
 */
export interface TurnHolder {
  /** Its share is weight / total. A positive whole number, so that credits stay exact. */
  weight: number;
  /** 0 for a new holder; belongs to this module. */
  credit: number;
}

/** The sum of the weights. */
export function totalWeight(holders: readonly TurnHolder[]): number {
  let total = 0;
  for (const holder of holders) total += holder.weight;
  return total;
}

/** Whose turn it is. `total` is `totalWeight(holders)`; there is at least one holder. */
export function nextTurn<T extends TurnHolder>(holders: readonly T[], total: number): T {
  let chosen = holders[0]!;
  if (holders.length === 1) return chosen;
  let earliest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < holders.length; i++) {
    const holder = holders[i]!;
    const due = (total - holder.credit) / holder.weight;
    holder.credit += holder.weight;
    if (holder.credit > 0 && due < earliest) {
      earliest = due;
      chosen = holder;
    }
  }
  chosen.credit -= total;
  return chosen;
}

/** How many turns a start may lie ahead: enough to put gateways that start together out of step. */
const START_SPREAD = 256;

/** Starts at a random turn of the sequence. */
export function startAnywhere(holders: readonly TurnHolder[], total: number, random: () => number): void {
  if (holders.length < 2) return;
  for (let turns = Math.floor(random() * Math.min(total, START_SPREAD)); turns > 0; turns--) nextTurn(holders, total);
}

/**
 * Carries credits over to other weights: each holder stays owed the same fraction of a turn. What departed holders were
 * owed or owe is shared among the rest by weight.
 */
export function settle(holders: readonly TurnHolder[], totalBefore: number, total: number): void {
  let surplus = 0;
  for (const holder of holders) {
    holder.credit = totalBefore === 0 ? 0 : Math.round((holder.credit / totalBefore) * total);
    surplus += holder.credit;
  }
  for (const holder of holders) holder.credit -= Math.round((surplus / total) * holder.weight);
}
