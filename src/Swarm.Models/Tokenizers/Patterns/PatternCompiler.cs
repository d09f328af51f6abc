namespace Swarm.Models.Tokenizers.Patterns;

internal static class PatternCompiler
{
    public static PatternInstruction[] Compile(PatternNode node)
    {
        var code = new List<PatternInstruction>();
        Emit(code, node);
        Add(code, new(PatternOp.Accept));
        return [.. code];
    }

    private static int Add(List<PatternInstruction> code, PatternInstruction instruction)
    {
        if (code.Count >= TokenizerLimits.PatternInstructions)
            throw new ModelException(ModelError.UnsupportedModel, $"Tokenizer pattern expands to more than {TokenizerLimits.PatternInstructions} instructions.");
        code.Add(instruction);
        return code.Count - 1;
    }

    private static void Emit(List<PatternInstruction> code, PatternNode node)
    {
        switch (node)
        {
            case PatternNode.One one:
                Add(code, new(PatternOp.One, Set: one.Set));
                break;
            case PatternNode.Sequence sequence:
                foreach (PatternNode item in sequence.Items)
                    Emit(code, item);
                break;
            case PatternNode.Choice choice:
                EmitChoice(code, choice);
                break;
            case PatternNode.Repeat { Body: PatternNode.One one } run:
                PatternOp op = run.Mode switch { RepeatMode.Greedy => PatternOp.RunGreedy, RepeatMode.Lazy => PatternOp.RunLazy, _ => PatternOp.RunPossessive };
                Add(code, new(op, run.Min, run.Max < 0 ? int.MaxValue : run.Max, one.Set));
                break;
            case PatternNode.Repeat { Mode: RepeatMode.Possessive } repeat:
                EmitGuarded(code, PatternOp.Atomic, repeat with { Mode = RepeatMode.Greedy });
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(code, repeat);
                break;
            case PatternNode.Look look:
                EmitGuarded(code, look.Negated ? PatternOp.NotLook : PatternOp.Look, look.Body, look.Behind ? look.Body.FixedLength() : -1);
                break;
            case PatternNode.Atomic atomic:
                EmitGuarded(code, PatternOp.Atomic, atomic.Body);
                break;
            case PatternNode.At place:
                Add(code, new(PatternOp.Place, (int)place.Place));
                break;
        }
    }

    private static void EmitGuarded(List<PatternInstruction> code, PatternOp op, PatternNode body, int behind = -1)
    {
        int head = Add(code, new(op));
        Emit(code, body);
        Add(code, new(PatternOp.Accept));
        code[head] = new(op, code.Count, behind);
    }

    private static void EmitChoice(List<PatternInstruction> code, PatternNode.Choice choice)
    {
        var exits = new List<int>();
        for (int i = 0; i < choice.Options.Count; i++)
        {
            bool last = i == choice.Options.Count - 1;
            int head = last ? -1 : Add(code, new(PatternOp.Try));
            Emit(code, choice.Options[i]);
            if (last)
                continue;
            exits.Add(Add(code, new(PatternOp.Jump)));
            code[head] = new(PatternOp.Try, code.Count);
        }

        foreach (int exit in exits)
            code[exit] = new(PatternOp.Jump, code.Count);
    }

    private static void EmitRepeat(List<PatternInstruction> code, PatternNode.Repeat repeat)
    {
        for (int i = 0; i < repeat.Min; i++)
            Emit(code, repeat.Body);
        bool lazy = repeat.Mode == RepeatMode.Lazy;
        if (repeat.Max < 0)
        {
            int head = EmitOptionHead(code, lazy, out int skip);
            Emit(code, repeat.Body);
            Add(code, new(PatternOp.Jump, head));
            SetSkip(code, skip, lazy);
            return;
        }

        var skips = new List<int>();
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            EmitOptionHead(code, lazy, out int skip);
            skips.Add(skip);
            Emit(code, repeat.Body);
        }

        foreach (int skip in skips)
            SetSkip(code, skip, lazy);
    }

    /// <summary>Greedy: try the body, else skip. Lazy: try a jump past the body, else the body.</summary>
    private static int EmitOptionHead(List<PatternInstruction> code, bool lazy, out int skip)
    {
        int head = Add(code, new(PatternOp.Try));
        skip = head;
        if (!lazy)
            return head;
        skip = Add(code, new(PatternOp.Jump));
        code[head] = new(PatternOp.Try, code.Count);
        return head;
    }

    private static void SetSkip(List<PatternInstruction> code, int skip, bool lazy) =>
        code[skip] = new(lazy ? PatternOp.Jump : PatternOp.Try, code.Count);
}
