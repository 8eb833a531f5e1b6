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

/** What Sluice itself looks at; all other members travel on untouched. `null` means absent, as for OpenAI. */
export class ChatCompletionDto {
  @IsString({ message: 'a string' })
  @IsNotEmpty({ message: 'a non-empty string' })
  @MaxLength(512, { message: 'at most 512 characters' })
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
  @IsInt({ message: 'a whole number' })
  @Min(1, { message: 'at least 1' })
  @Max(128, { message: 'at most 128' })
  n?: number | null;

  @IsOptional()
  @IsInt({ message: 'a whole number' })
  @Min(1, { message: 'at least 1' })
  max_tokens?: number | null;

  @IsOptional()
  @IsInt({ message: 'a whole number' })
  @Min(1, { message: 'at least 1' })
  max_completion_tokens?: number | null;

  @IsOptional()
  @IsNumber({}, { message: 'a number' })
  @Min(0, { message: 'from 0 to 2' })
  @Max(2, { message: 'from 0 to 2' })
  temperature?: number | null;

  @IsOptional()
  @IsNumber({}, { message: 'a number' })
  @Min(0, { message: 'from 0 to 1' })
  @Max(1, { message: 'from 0 to 1' })
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
