import { chatMessagesProblem, type ChatMessage } from '@sluice/wire';
import {
  IsBoolean,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  registerDecorator,
} from 'class-validator';

function IsChatMessages(): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isChatMessages',
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value: unknown) => chatMessagesProblem(value) === null,
        defaultMessage: () => 'messages is invalid', // the pipe asks for the exact place
      },
    });
  };
}

const NAME = 'a string of 1 to 512 characters';
const CHOICES = 'a whole number from 1 to 128';
/** Reserved with the lease, in whole numbers that Lua writes out: larger ones mean nothing to any provider. */
const MOST_TOKENS = 2_147_483_647;
const TOKENS = `a whole number from 1 to ${MOST_TOKENS}`;

/** What Sluice itself looks at; all other members travel on untouched. `null` means absent, as for OpenAI. */
export class ChatCompletionDto {
  @IsString({ message: NAME })
  @IsNotEmpty({ message: NAME })
  @MaxLength(512, { message: NAME })
  model!: string;

  @IsChatMessages()
  messages!: ChatMessage[];

  @IsOptional()
  @IsBoolean({ message: 'true or false' })
  stream?: boolean | null;

  @IsOptional()
  @IsObject({ message: 'an object' })
  stream_options?: Record<string, unknown> | null;

  @IsOptional()
  @IsInt({ message: CHOICES })
  @Min(1, { message: CHOICES })
  @Max(128, { message: CHOICES })
  n?: number | null;

  @IsOptional()
  @IsInt({ message: TOKENS })
  @Min(1, { message: TOKENS })
  @Max(MOST_TOKENS, { message: TOKENS })
  max_tokens?: number | null;

  @IsOptional()
  @IsInt({ message: TOKENS })
  @Min(1, { message: TOKENS })
  @Max(MOST_TOKENS, { message: TOKENS })
  max_completion_tokens?: number | null;

  @IsOptional()
  @IsNumber({}, { message: 'a number from 0 to 2' })
  @Min(0, { message: 'a number from 0 to 2' })
  @Max(2, { message: 'a number from 0 to 2' })
  temperature?: number | null;

  @IsOptional()
  @IsNumber({}, { message: 'a number from 0 to 1' })
  @Min(0, { message: 'a number from 0 to 1' })
  @Max(1, { message: 'a number from 0 to 1' })
  top_p?: number | null;
}

/** Members of the DTO: only these are looked at, whatever else a body holds. */
export const CHAT_COMPLETION_MEMBERS = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'n',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
] as const satisfies readonly (keyof ChatCompletionDto)[];
