/** Says an event of the response; its number is the writer's business. */
export type Say = (type: string, members: Record<string, unknown>) => void;

/** How an item of the output ends. */
export type ItemEnd = 'completed' | 'incomplete';
