using Swarm.Kernels.Codecs;
using Swarm.Models;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Tests;

/// <summary>Which steps the next pass takes.</summary>
public sealed class StepSchedulerTests
{
    private readonly StepScheduler _scheduler = new();
    private readonly List<StepPiece> _pass = [];

    [Fact]
    public void TryNext_NothingWaits_IsFalse() => Assert.False(_scheduler.TryNext(_pass));

    [Fact]
    public void TryNext_DecodeOfSeveralSessions_GoesInOnePass()
    {
        StepWork[] steps = [.. Enumerable.Range(0, 5).Select(index => Work(Session(index), 1))];
        foreach (StepWork step in steps)
            _scheduler.Add(step);

        Assert.True(_scheduler.TryNext(_pass));

        Assert.Equal(steps, _pass.Select(piece => piece.Work));
        Assert.False(_scheduler.TryNext(_pass));
    }

    [Fact]
    public void TryNext_TwoStepsOfASession_KeepTheirOrder()
    {
        NodeSession session = Session(0);
        StepWork first = Work(session, 1);
        StepWork second = Work(session, 1);
        _scheduler.Add(first);
        _scheduler.Add(second);

        Assert.True(_scheduler.TryNext(_pass));
        Assert.Equal([first], _pass.Select(piece => piece.Work));
        Assert.True(_scheduler.TryNext(_pass));
        Assert.Equal([second], _pass.Select(piece => piece.Work));
    }

    [Fact]
    public void TryNext_ShortStepBehindALongOneOfItsSession_Waits()
    {
        NodeSession session = Session(0);
        StepWork prefill = Work(session, 200);
        StepWork decode = Work(session, 1);
        _scheduler.Add(prefill);
        _scheduler.Add(decode);

        var order = new List<(StepWork, int, int)>();
        while (_scheduler.TryNext(_pass))
            order.AddRange(_pass.Select(piece => (piece.Work, piece.First, piece.Count)));

        Assert.Equal([(prefill, 0, 128), (prefill, 128, 72), (decode, 0, 1)], order);
    }

    [Fact]
    public void TryNext_LongPrefillBesideDecode_EveryPassHasBoth()
    {
        StepWork prefill = Work(Session(0), 1000);
        NodeSession[] talkers = [.. Enumerable.Range(1, 20).Select(index => Session(index))];
        _scheduler.Add(prefill);
        int passes = 0;
        while (prefill.Done < prefill.Count)
        {
            // Whoever decodes asks for its next token at once.
            foreach (NodeSession talker in talkers)
                _scheduler.Add(Work(talker, 1));
            int before = prefill.Done;
            Assert.True(_scheduler.TryNext(_pass));
            Assert.Equal(talkers, _pass.Take(20).Select(piece => piece.Work.Session));
            Assert.Equal(Math.Min(16, 1000 - before), prefill.Done - before);
            passes++;
        }

        Assert.Equal(63, passes);
    }

    [Fact]
    public void TryNext_OneDecodes_PrefillComesInSmallPiecesUntilNobodyWaits()
    {
        StepWork prefill = Work(Session(0), 1000);
        _scheduler.Add(Work(Session(1), 1));
        _scheduler.Add(prefill);
        var pieces = new List<int>();
        while (_scheduler.TryNext(_pass))
            pieces.Add(_pass[^1].Count);

        // Beside the token; while the next token may be on its way; then alone.
        Assert.Equal([31, .. Enumerable.Repeat(32, 8), 128, 128, 128, 128, 128, 73], pieces);
    }

    [Fact]
    public void TryNext_PrefillAfterItsOwnDecode_ComesInWholeChunks()
    {
        NodeSession session = Session(0);
        _scheduler.Add(Work(session, 1));
        Assert.True(_scheduler.TryNext(_pass));
        _scheduler.Add(Work(session, 256));
        Assert.True(_scheduler.TryNext(_pass));
        Assert.Equal(128, _pass.Single().Count);
    }

    [Fact]
    public void TryNext_PrefillThatComputesDifferently_GoesBetweenDecodePasses()
    {
        NodeSession talker = Session(1);
        StepWork prefill = Work(Session(0, new BlockSpan(0, 2)), 96);
        _scheduler.Add(prefill);
        var order = new List<(NodeSession, int)>();
        for (int pass = 0; pass < 6; pass++)
        {
            if (pass % 2 == 0)
                _scheduler.Add(Work(talker, 1));
            Assert.True(_scheduler.TryNext(_pass));
            order.Add((_pass.Single().Work.Session, _pass.Single().Count));
        }

        Assert.Equal([(talker, 1), (prefill.Session, 32), (talker, 1), (prefill.Session, 32), (talker, 1), (prefill.Session, 32)], order);
    }

    [Fact]
    public void TryNext_SeveralPrefills_TakeTurns()
    {
        StepWork first = Work(Session(0), 256);
        StepWork second = Work(Session(1), 256);
        _scheduler.Add(first);
        _scheduler.Add(second);

        var order = new List<StepWork>();
        while (_scheduler.TryNext(_pass))
            order.Add(_pass.Single().Work);

        Assert.Equal([first, second, first, second], order);
    }

    [Fact]
    public void TryNext_SessionsThatComputeDifferently_GoInDifferentPasses()
    {
        _scheduler.Add(Work(Session(0), 1));
        _scheduler.Add(Work(Session(1, new BlockSpan(0, 2)), 1));
        _scheduler.Add(Work(Session(2), 1));

        Assert.True(_scheduler.TryNext(_pass));
        Assert.Equal(2, _pass.Count);
        Assert.True(_scheduler.TryNext(_pass));
        Assert.Single(_pass);
    }

    [Fact]
    public void Remove_SessionThatClosed_TakesItsStepsOnly()
    {
        NodeSession gone = Session(0);
        StepWork[] removed = [Work(gone, 1), Work(gone, 300)];
        StepWork kept = Work(Session(1), 1);
        _scheduler.Add(removed[0]);
        _scheduler.Add(kept);
        _scheduler.Add(removed[1]);

        Assert.Equal(removed, _scheduler.Remove(gone));
        Assert.True(_scheduler.TryNext(_pass));
        Assert.Equal([kept], _pass.Select(piece => piece.Work));
        Assert.Equal(0, _scheduler.Count);
    }

    [Fact]
    public void TryNext_AnyArrivals_ComputesEveryTokenOnceInOrder()
    {
        var random = new SeededRandomSource(3);
        NodeSession[] sessions = [.. Enumerable.Range(0, 6).Select(index => Session(index))];
        var expected = sessions.ToDictionary(session => session, _ => new List<(StepWork, int)>());
        var seen = sessions.ToDictionary(session => session, _ => new List<(StepWork, int)>());
        for (int round = 0; round < 400; round++)
        {
            if (random.NextUInt64() % 3 != 0)
            {
                NodeSession session = sessions[random.NextUInt64() % 6];
                StepWork work = Work(session, (int)(random.NextUInt64() % 2 == 0 ? 1 : 1 + random.NextUInt64() % 300));
                _scheduler.Add(work);
                expected[session].AddRange(Enumerable.Range(0, work.Count).Select(token => (work, token)));
            }
            else
            {
                Run();
            }
        }

        while (_scheduler.Count > 0)
            Run();
        Assert.All(sessions, session => Assert.Equal(expected[session], seen[session]));

        void Run()
        {
            if (!_scheduler.TryNext(_pass))
                return;
            Assert.InRange(_pass.Sum(piece => piece.Count), 1, StepScheduler.DefaultChunkTokens);
            Assert.Equal(_pass.Count, _pass.Select(piece => piece.Work.Session).Distinct().Count());
            foreach (StepPiece piece in _pass)
                seen[piece.Work.Session].AddRange(Enumerable.Range(piece.First, piece.Count).Select(token => (piece.Work, token)));
        }
    }

    [Fact]
    public void TryNext_OneClientHasHundredsOfSessions_AnotherDecodesInEveryPass()
    {
        NodeSession[] greedy = [.. Enumerable.Range(0, 400).Select(index => Session(index, client: 1))];
        NodeSession honest = Session(1000, client: 2);
        foreach (NodeSession session in greedy)
            _scheduler.Add(Work(session, 1));
        _scheduler.Add(Work(honest, 1));
        var served = greedy.ToDictionary(session => session, _ => 0);

        for (int pass = 0; pass < 100; pass++)
        {
            Assert.True(_scheduler.TryNext(_pass));
            Assert.Equal(StepScheduler.DefaultChunkTokens, _pass.Count);
            Assert.Single(_pass, piece => piece.Work.Session == honest);
            foreach (StepPiece piece in _pass)
            {
                if (piece.Work.Session != honest)
                    served[piece.Work.Session]++;
                _scheduler.Add(Work(piece.Work.Session, 1));
            }
        }

        // And its own sessions take turns.
        Assert.InRange(served.Values.Max() - served.Values.Min(), 0, 1);
    }

    [Fact]
    public void TryNext_OneClientPrefillsHundredsOfPrompts_AnotherGetsEverySecondChunk()
    {
        for (int index = 0; index < 200; index++)
            _scheduler.Add(Work(Session(index, client: 1), 1024));
        StepWork prompt = Work(Session(1000, client: 2), 1280);
        _scheduler.Add(prompt);

        int chunks = 0;
        while (prompt.Done < prompt.Count)
        {
            Assert.True(_scheduler.TryNext(_pass));
            chunks++;
        }

        Assert.InRange(chunks, 19, 20);
    }

    [Fact]
    public void TryNext_MoreClientsThanAPassHolds_NoneGoesTwiceBeforeAllWent()
    {
        NodeSession[] sessions = [.. Enumerable.Range(0, 300).Select(index => Session(index, client: index + 1))];
        foreach (NodeSession session in sessions)
            _scheduler.Add(Work(session, 1));
        var served = sessions.ToDictionary(session => session, _ => 0);
        for (int pass = 0; pass < 30; pass++)
        {
            Assert.True(_scheduler.TryNext(_pass));
            foreach (StepPiece piece in _pass)
            {
                served[piece.Work.Session]++;
                _scheduler.Add(Work(piece.Work.Session, 1));
            }

            Assert.InRange(served.Values.Max() - served.Values.Min(), 0, 1);
        }
    }

    [Fact]
    public void TryNext_ClientsThatComputeDifferently_TakeTurns()
    {
        var kinds = new List<bool>();
        for (int index = 0; index < 5; index++)
            _scheduler.Add(Work(Session(index, client: 1), 1));
        NodeSession other = Session(10, new BlockSpan(0, 2), client: 2);
        _scheduler.Add(Work(other, 1));
        for (int pass = 0; pass < 10; pass++)
        {
            Assert.True(_scheduler.TryNext(_pass));
            kinds.Add(_pass[0].Work.Session == other);
            foreach (StepPiece piece in _pass)
                _scheduler.Add(Work(piece.Work.Session, 1));
        }

        Assert.Equal(5, kinds.Count(isOther => isOther));
    }

    private static NodeSession Session(int id, BlockSpan? part = null, int client = 0)
    {
        var plan = new SessionPlan(
            part ?? new BlockSpan(0, 4), ActivationCodec.F32, [], ActivationCodec.F32, ActivationCodec.F32, 100, 10, null, null);
        return new NodeSession(new SessionId(1, (ulong)id), 0, plan, null!, null!, new SessionLease(null!, PeerId.OfPublicKey([(byte)client, (byte)(client >> 8)])), null!);
    }

    private static StepWork Work(NodeSession session, int count) => new(session, new Step { Count = (uint)count }, null!, false, 0);
}
