-- The provider's word on what it will still take, in the field `word` of a deployment's hash: what is left of requests, less
-- what was taken since, until when, and what the provider said; the same of tokens; what was taken off of tokens for each
-- call that was under way; when the lease of the call was taken that brought it. Times in Unix ms; until 0: no word.
-- Stands before the scripts that read or write it.

local WORD = { 'requests', 'requestsUntil', 'requestsTold', 'tokens', 'tokensUntil', 'tokensTold', 'tokensEach', 'by' }

local function readWord(text)
  local word, i = {}, 0
  for number in string.gmatch(text, '%S+') do
    i = i + 1
    word[WORD[i]] = tonumber(number)
  end
  return word
end

local function wordText(word)
  local numbers = {}
  for i, name in ipairs(WORD) do
    numbers[i] = string.format('%.0f', word[name])
  end
  return table.concat(numbers, ' ')
end

