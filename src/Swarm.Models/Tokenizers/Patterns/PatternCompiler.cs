namespace Swarm.Models.Tokenizers.Patterns;

/// <summary>Turns a syntax tree into instructions. Counted repetitions are written out, so both instructions and visits are bounded.</summary>
internal sealed class PatternCompiler
{
    private readonly List<PatternInstruction> _code = [];
    private int _visits;

    public static PatternInstruction[] Compile(PatternNode node)
    {
        var compiler = new PatternCompiler();
        compiler.Emit(node);
        compiler.Add(new(PatternOp.Accept));
        return [.. compiler._code];
    }

    private int Add(PatternInstruction instruction)
    {
        if (_code.Count >= TokenizerLimits.PatternInstructions)
            throw TooLarge();
        _code.Add(instruction);
        return _code.Count - 1;
    }

    private void Emit(PatternNode node)
    {
        if (++_visits > 4 * TokenizerLimits.PatternInstructions)
            throw TooLarge();
        switch (node)
        {
            case PatternNode.One one:
                Add(new(PatternOp.One, Set: one.Set));
                break;
            case PatternNode.Sequence sequence:
                foreach (PatternNode item in sequence.Items)
                    Emit(item);
                break;
            case PatternNode.Choice choice:
                EmitChoice(choice);
                break;
            case PatternNode.Repeat { Body: PatternNode.One one } run:
                PatternOp op = run.Mode switch { RepeatMode.Greedy => PatternOp.RunGreedy, RepeatMode.Lazy => PatternOp.RunLazy, _ => PatternOp.RunPossessive };
                Add(new(op, run.Min, run.Max < 0 ? int.MaxValue : run.Max, one.Set));
                break;
            case PatternNode.Repeat { Mode: RepeatMode.Possessive } repeat:
                EmitGuarded(PatternOp.Atomic, repeat with { Mode = RepeatMode.Greedy });
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(repeat);
                break;
            case PatternNode.Look look:
                EmitGuarded(look.Negated ? PatternOp.NotLook : PatternOp.Look, look.Body, look.Behind ? look.Body.FixedLength() : -1);
                break;
            case PatternNode.Atomic atomic:
                EmitGuarded(PatternOp.Atomic, atomic.Body);
                break;
            case PatternNode.At place:
                Add(new(PatternOp.Place, (int)place.Place));
                break;
        }
    }

    private void EmitGuarded(PatternOp op, PatternNode body, int behind = -1)
    {
        int head = Add(new(op));
        Emit(body);
        Add(new(PatternOp.Accept));
        _code[head] = new(op, _code.Count, behind);
    }

    private void EmitChoice(PatternNode.Choice choice)
    {
        var exits = new List<int>();
        for (int i = 0; i < choice.Options.Count; i++)
        {
            bool last = i == choice.Options.Count - 1;
            int head = last ? -1 : Add(new(PatternOp.Try));
            Emit(choice.Options[i]);
            if (last)
                continue;
            exits.Add(Add(new(PatternOp.Jump)));
            _code[head] = new(PatternOp.Try, _code.Count);
        }

        foreach (int exit in exits)
            _code[exit] = new(PatternOp.Jump, _code.Count);
    }

    private void EmitRepeat(PatternNode.Repeat repeat)
    {
        for (int i = 0; i < repeat.Min; i++)
            Emit(repeat.Body);
        bool lazy = repeat.Mode == RepeatMode.Lazy;
        if (repeat.Max < 0)
        {
            int head = EmitOptionHead(lazy, out int skip);
            Emit(repeat.Body);
            Add(new(PatternOp.Jump, head));
            SetSkip(skip, lazy);
            return;
        }

        var skips = new List<int>();
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            EmitOptionHead(lazy, out int skip);
            skips.Add(skip);
            Emit(repeat.Body);
        }

        foreach (int skip in skips)
            SetSkip(skip, lazy);
    }

    /// <summary>Greedy: try the body, else skip. Lazy: try a jump past the body, else the body.</summary>
    private int EmitOptionHead(bool lazy, out int skip)
    {
        int head = Add(new(PatternOp.Try));
        skip = head;
        if (!lazy)
            return head;
        skip = Add(new(PatternOp.Jump));
        _code[head] = new(PatternOp.Try, _code.Count);
        return head;
    }

    private static ModelException TooLarge() =>
        new(ModelError.UnsupportedModel, $"Tokenizer pattern expands to more than {TokenizerLimits.PatternInstructions} instructions.");

    private void SetSkip(int skip, bool lazy) =>
        _code[skip] = new(lazy ? PatternOp.Jump : PatternOp.Try, _code.Count);
}
