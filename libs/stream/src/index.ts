export { Follower, terminalFrame, type FollowFrom, type LookAtRecord, type Looked } from './follower.js';
export { FrameRelay, type JobRelay } from './frame-relay.js';
export { Inbox } from './inbox.js';
export { framesFrom, hasStream, replayPage, replayStream } from './replay-stream.js';
