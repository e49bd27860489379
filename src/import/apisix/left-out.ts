/** Why a route cannot be there at all: it would take other requests than it should, or has nowhere to send them. */
export class LeftOut extends Error {}

/** Leaves a route out. The words go on after its place. */
export const leaveOut = (why: string): never => {
  throw new LeftOut(why);
};
