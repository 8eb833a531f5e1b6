import { SetMetadata } from '@nestjs/common';

export const OPEN_ROUTE = 'sluice:open-route';

/** Needs no key: what load balancers and containers ask. */
export const Open = (): ClassDecorator & MethodDecorator => SetMetadata(OPEN_ROUTE, true);
