using System.Text;

namespace Swarm.Models.Tokenizers.Patterns;

/// <summary>Runs a compiled pattern over one text. Steps are bounded in proportion to the text, over all searches together.</summary>
internal ref struct PatternMatcher
{
    private const int StackLimit = 1 << 22;

    private readonly ReadOnlySpan<PatternInstruction> _program;
    private readonly ReadOnlySpan<char> _text;
    private readonly List<Choice> _choices = new(32);
    private readonly long _stepLimit;
    private long _steps;

    public PatternMatcher(ReadOnlySpan<PatternInstruction> program, ReadOnlySpan<char> text)
    {
        _program = program;
        _text = text;
        _stepLimit = 100_000 + 4096L * text.Length;
    }

    /// <summary>A place to go back to: an instruction, a position, and for runs how far the position may still move.</summary>
    private readonly record struct Choice(int Instruction, int Position, int Bound, CodePointSet? Set);

    public bool Find(int from, out int start, out int end)
    {
        for (start = from; start <= _text.Length;)
        {
            end = Run(0, start);
            if (end >= 0)
                return true;
            if (start == _text.Length)
                break;
            Decode(start, out int length);
            start += length;
        }

        end = -1;
        return false;
    }

    private readonly int Decode(int position, out int length)
    {
        char c = _text[position];
        if (!char.IsSurrogate(c))
        {
            length = 1;
            return c;
        }

        Rune.DecodeFromUtf16(_text[position..], out Rune rune, out length);
        return rune.Value;
    }

    private readonly int StepBack(int position) =>
        position >= 2 && char.IsLowSurrogate(_text[position - 1]) && char.IsHighSurrogate(_text[position - 2]) ? position - 2 : position - 1;

    private void Count()
    {
        if (++_steps > _stepLimit)
            throw new ModelException(ModelError.UnsupportedModel, $"Tokenizer pattern needs more than {_stepLimit} steps on a text of {_text.Length} characters.");
    }

    private readonly void Push(Choice choice)
    {
        if (_choices.Count >= StackLimit)
            throw new ModelException(ModelError.UnsupportedModel, $"Tokenizer pattern holds more than {StackLimit} open choices.");
        _choices.Add(choice);
    }

    /// <summary>The end of the match that starts at <paramref name="position"/>, or -1.</summary>
    private int Run(int instruction, int position)
    {
        int floor = _choices.Count;
        while (true)
        {
            Count();
            PatternInstruction step = _program[instruction];
            bool ok = true;
            switch (step.Op)
            {
                case PatternOp.Accept:
                    _choices.RemoveRange(floor, _choices.Count - floor);
                    return position;
                case PatternOp.One:
                    ok = position < _text.Length && step.Members.Contains(Decode(position, out int length)) && Advance(ref position, length);
                    instruction++;
                    break;
                case PatternOp.RunGreedy or PatternOp.RunPossessive:
                    ok = TakeRun(step, ref position, out int least);
                    instruction++;
                    if (ok && position > least && step.Op == PatternOp.RunGreedy)
                        Push(new Choice(instruction, position, least, null));
                    break;
                case PatternOp.RunLazy:
                    ok = TakeRun(step with { B = step.A }, ref position, out _);
                    instruction++;
                    if (ok && step.B > step.A)
                        Push(new Choice(instruction, position, step.B - step.A, step.Set));
                    break;
                case PatternOp.Try:
                    Push(new Choice(step.A, position, -1, null));
                    instruction++;
                    break;
                case PatternOp.Jump:
                    instruction = step.A;
                    break;
                case PatternOp.Look or PatternOp.NotLook:
                    ok = Look(instruction + 1, position, step.B) == (step.Op == PatternOp.Look);
                    instruction = step.A;
                    break;
                case PatternOp.Atomic:
                    int end = Run(instruction + 1, position);
                    ok = end >= 0 && Advance(ref position, end - position);
                    instruction = step.A;
                    break;
                case PatternOp.Place:
                    ok = Holds((PatternPlace)step.A, position);
                    instruction++;
                    break;
            }

            if (!ok && !Backtrack(floor, ref instruction, ref position))
                return -1;
        }
    }

    private static bool Advance(ref int position, int length)
    {
        position += length;
        return true;
    }

    /// <summary>Takes up to B members; false with fewer than A. <paramref name="least"/> is where the first A end.</summary>
    private bool TakeRun(PatternInstruction step, ref int position, out int least)
    {
        CodePointSet set = step.Members;
        int taken = 0;
        least = position;
        while (taken < step.B && position < _text.Length && set.Contains(Decode(position, out int length)))
        {
            Count();
            position += length;
            if (++taken == step.A)
                least = position;
        }

        return taken >= step.A;
    }

    private bool Backtrack(int floor, ref int instruction, ref int position)
    {
        while (_choices.Count > floor)
        {
            Choice choice = _choices[^1];
            _choices.RemoveAt(_choices.Count - 1);
            instruction = choice.Instruction;
            position = choice.Position;
            if (choice.Bound < 0)
                return true;
            if (choice.Set is null)
            {
                position = StepBack(position);
                if (position > choice.Bound)
                    _choices.Add(choice with { Position = position });
                return true;
            }

            if (position < _text.Length && choice.Set.Contains(Decode(position, out int length)))
            {
                position += length;
                if (choice.Bound > 1)
                    _choices.Add(choice with { Position = position, Bound = choice.Bound - 1 });
                return true;
            }
        }

        return false;
    }

    private bool Look(int body, int position, int behind)
    {
        int from = position;
        for (int i = 0; i < behind; i++)
        {
            if (from == 0)
                return false;
            from = StepBack(from);
        }

        return Run(body, from) >= 0;
    }

    private readonly bool Holds(PatternPlace place, int position)
    {
        switch (place)
        {
            case PatternPlace.LineStart: return position == 0 || _text[position - 1] == '\n';
            case PatternPlace.LineEnd: return position == _text.Length || _text[position] == '\n';
            case PatternPlace.TextStart: return position == 0;
            case PatternPlace.TextEnd: return position == _text.Length;
            case PatternPlace.TextEndOrLastLineFeed: return position == _text.Length || (position == _text.Length - 1 && _text[position] == '\n');
        }

        bool before = position > 0 && CodePointSet.Word.Contains(Decode(StepBack(position), out _));
        bool after = position < _text.Length && CodePointSet.Word.Contains(Decode(position, out _));
        return before != after == (place == PatternPlace.WordBoundary);
    }
}
