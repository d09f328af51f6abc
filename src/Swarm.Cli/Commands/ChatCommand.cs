using Swarm.Cli.Framework;
using Swarm.Cli.Generating;
using Swarm.Client;
using Swarm.Protocol;

namespace Swarm.Cli.Commands;

/// <summary>A conversation in the terminal, or one turn a line from a pipe. Caches stay between turns.</summary>
internal sealed class ChatCommand : CommandDefinition
{
    private const int DefaultTokens = 512;

    private static readonly Setting<string?> SystemMessage =
        new("system", "TEXT", "what the assistant is told first", Values.OptionalText, null, inputOnly: true);

    public override string Name => "chat";

    public override string Description => "a conversation in the terminal";

    public override IReadOnlyList<ISetting> Settings =>
        [.. ModelOpening.Settings, SystemMessage, .. SamplingSettings.All, CommonSettings.Codec, ModelOpening.RoundAt, ModelOpening.Ends];

    public override async Task<int> RunAsync(CommandContext context)
    {
        GenerationOptions options = SamplingSettings.Read(context, DefaultTokens);
        await using LanguageModel model = await ModelOpening.OpenForGeneratingAsync(context);
        await using ChatSession chat = model.StartChat(context.Get(SystemMessage));
        List<int> prefilled = [];
        bool interactive = context.Host.InputIsTerminal && !context.IsJson;
        if (interactive)
            context.Say($"{model.Name}. /reset forgets the conversation, Ctrl-C ends an answer, Ctrl-D ends the program.");
        using StreamReader input = context.OpenInput();
        while (true)
        {
            if (interactive)
            {
                context.Error.Write("> ");
                context.Interrupts.Handler = StayOnce(context);
            }

            // A read from a terminal cannot be taken back; it is left behind when the program is asked to end.
            if (await input.ReadLineAsync().WaitAsync(context.Interrupts.Polite) is not { } line)
                break;
            if (line.Trim().Length == 0)
                continue;
            if (line.Trim() == "/reset")
            {
                chat.Reset();
                context.Events?.Write("reset");
                context.Say("(forgotten)");
                continue;
            }

            try
            {
                await AnswerAsync(context, chat, line, options, prefilled.Count);
                prefilled.Add(chat.PrefilledTokens);
            }
            catch (SwarmException e) when (interactive)
            {
                // Who sits before a terminal can say something shorter, or forget.
                context.Say($"swarm: {e.Message}");
            }
        }

        context.Events?.Write("done", json =>
        {
            json.WriteNumber("turns", prefilled.Count);
            json.WriteIntegers("prefilledTokens", [.. prefilled]);
        });
        return ExitCode.Done;
    }

    // A Ctrl-C meant for an answer may come just after its end: the first one at the prompt ends nothing, two in a row end the program.
    private static Func<bool> StayOnce(CommandContext context)
    {
        int interrupts = 0;
        return () =>
        {
            if (Interlocked.Increment(ref interrupts) > 1)
                return false;
            context.Say("(Ctrl-C again, or Ctrl-D, ends the program)");
            context.Error.Write("> ");
            return true;
        };
    }

    private static async Task AnswerAsync(CommandContext context, ChatSession chat, string message, GenerationOptions options, int turn)
    {
        using CancellationTokenSource answer = CancellationTokenSource.CreateLinkedTokenSource(context.Interrupts.Polite);
        context.Interrupts.Handler = () =>
        {
            // The second Ctrl-C within one answer is meant for the program.
            if (answer.IsCancellationRequested)
                return false;
            answer.Cancel();
            return true;
        };
        List<int> tokens = [];
        System.Text.StringBuilder text = new();
        bool cut = false;
        try
        {
            GenerationOptions shown = GenerationRun.Shown(context, options);
            await foreach (GeneratedToken token in chat.SendAsync(message, shown, answer.Token))
            {
                tokens.Add(token.Id);
                text.Append(token.Text);
                if (context.Events is not null)
                    GenerationEvents.Token(context.Events, token);
                else
                    context.Out.Write(token.Text);
            }
        }
        catch (OperationCanceledException) when (answer.IsCancellationRequested && !context.Interrupts.Requested)
        {
            cut = true;
        }
        finally
        {
            context.Interrupts.Handler = null;
            if (!context.IsJson)
                context.Out.WriteLine();
        }

        context.Events?.Write("turn", json =>
        {
            json.WriteNumber("turn", turn);
            if (!cut && chat.LastResult is { } result)
            {
                GenerationEvents.WriteResult(json, result);
                return;
            }

            json.WriteString("text", text.ToString());
            json.WriteNumber("prefilledTokens", chat.PrefilledTokens);
            json.WriteIntegers("tokens", [.. tokens]);
            json.WriteString("finishReason", "interrupted");
        });
    }
}
