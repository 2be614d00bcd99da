package simulator

var inSpanish = phrases{
	layout: "02/01",
	opening: map[string][]string{
		purposeAppointment + " yes": {
			"La persona confirmó su cita del {date} a las {time} en {clinic}.",
			"Cita confirmada para el {date}; llegará {minutes} minutos antes a {clinic}.",
			"¡Sí! Asistirá a {clinic} el {date} a las {time}.",
		},
		purposeAppointment + " rescheduled": {
			"No podía el {date} a las {time}; la cita pasó al {other}.",
			"Pidió cambiar la cita en {clinic} del {date} al {other} por el trabajo de mañana.",
		},
		purposeAppointment + " no": {
			"Canceló la cita del {date} en {clinic} y no quiso otra fecha.",
			"No reconoció la cita del {date} a las {time} y colgó.",
		},
		purposeRefill + " yes": {
			"Pidió renovar {med} en {clinic}; le quedan {days} días.",
			"Renovación de {med} solicitada, la recogerá el {date}.",
		},
		purposeRefill + " no": {
			"No necesita {med}: tiene existencias para > {days} semanas.",
			"Dejó de tomar {med} hace {days} días por indicación médica de {clinic}.",
		},
		purposeSurvey + " yes": {
			"Respondió toda la encuesta sobre su visita del {visit} a {clinic}.",
			"Calificó la atención del {visit} con {score} de 10; esperó {minutes} minutos.",
		},
		purposeSurvey + " no": {
			"No quiso responder la encuesta sobre la visita del {visit} a {clinic}.",
			"Abandonó la encuesta de {clinic} en la pregunta {days}.",
		},
	},
	tone: map[string][]string{
		"good": {
			"Agradeció la llamada y no tuvo más preguntas.",
			"Dijo que el recordatorio fue «muy útil».",
			"Prefirió hablar en español y todo quedó claro.",
		},
		"fair": {
			"Hubo que repetir la pregunta por el ruido.",
			"Preguntó cuánto cuesta & no se le pudo decir.",
			"Pidió que le hablaran más despacio.",
		},
		"poor": {
			"Se quejó de haber recibido {days} llamadas esta semana.",
			"Estaba molesta por esperar > {minutes} minutos en la última visita.",
			"La señal era mala y la conversación se cortó.",
		},
	},
	detail: []string{
		"Necesita intérprete y acceso para silla de ruedas.",
		"Traerá los análisis del {visit}.",
		"Prefiere llamadas después de las {time}.",
	},
	callback: []string{
		"Pidió que la enfermería le devuelva la llamada.",
		"Quiere que una persona le llame en < {days} días.",
	},
	voicemail: []string{
		"Contestó el buzón de voz; se dejó un mensaje sobre el {date} en {clinic}.",
		"Nadie contestó. Se dejó recado de {clinic} después del tono a los {seconds} segundos.",
	},
}

var inVietnamese = phrases{
	layout: "02/01",
	opening: map[string][]string{
		purposeAppointment + " yes": {
			"Bệnh nhân xác nhận lịch hẹn ngày {date} lúc {time} tại {clinic}.",
			"Bệnh nhân sẽ đến {clinic} ngày {date}, sớm {minutes} phút.",
		},
		purposeAppointment + " rescheduled": {
			"Bệnh nhân bận ngày {date} và đã đổi lịch hẹn sang ngày {other}.",
			"Lịch hẹn tại {clinic} được dời từ {date} sang {other}.",
		},
		purposeAppointment + " no": {
			"Bệnh nhân hủy lịch hẹn ngày {date} tại {clinic}.",
			"Bệnh nhân không nhớ lịch hẹn lúc {time} ngày {date} và cúp máy.",
		},
		purposeRefill + " yes": {
			"Bệnh nhân muốn lấy thêm thuốc {med} tại {clinic}.",
			"Bệnh nhân còn thuốc {med} cho {days} ngày và cần mua thêm trước ngày {date}.",
		},
		purposeRefill + " no": {
			"Bệnh nhân chưa cần thêm thuốc {med}, còn > {days} tuần.",
			"Bệnh nhân đã ngừng dùng {med} từ {days} ngày trước.",
		},
		purposeSurvey + " yes": {
			"Bệnh nhân trả lời đầy đủ khảo sát về lần khám ngày {visit} tại {clinic}.",
			"Bệnh nhân chấm {score}/10 điểm cho lần khám ngày {visit}, chờ {minutes} phút.",
		},
		purposeSurvey + " no": {
			"Bệnh nhân từ chối khảo sát về lần khám ngày {visit} tại {clinic}.",
			"Bệnh nhân dừng khảo sát của {clinic} ở câu hỏi số {days}.",
		},
	},
	tone: map[string][]string{
		"good": {
			"Bệnh nhân cảm ơn và không có câu hỏi nào khác.",
			"Cuộc gọi ngắn gọn & thân thiện.",
		},
		"fair": {
			"Trợ lý phải nhắc lại câu hỏi vì đường truyền ồn.",
			"Bệnh nhân chưa chắc về bảo hiểm và sẽ kiểm tra lại.",
		},
		"poor": {
			"Bệnh nhân phàn nàn vì nhận {days} cuộc gọi trong một tuần.",
			"Bệnh nhân không hài lòng vì lần trước phải chờ > {minutes} phút.",
		},
	},
	detail: []string{
		"Bệnh nhân cần thông dịch viên tiếng Việt.",
		"Bệnh nhân sẽ mang theo kết quả xét nghiệm ngày {visit}.",
	},
	callback: []string{
		"Bệnh nhân yêu cầu y tá gọi lại.",
		"Xin gọi lại sau {time}.",
	},
	voicemail: []string{
		"Hộp thư thoại trả lời; đã để lại lời nhắn về ngày {date} tại {clinic}.",
		"Không ai nghe máy. Đã để lại lời nhắn của {clinic} sau {seconds} giây.",
	},
}
